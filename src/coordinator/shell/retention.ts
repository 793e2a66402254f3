import type { Clock } from '../../observe/clock.js';
import type { Log } from '../../observe/log.js';
import type { RetentionRule, Store } from '../../store/store.js';

export const DEFAULT_RETENTION: RetentionRule = {
  ageMs: 7 * 24 * 3_600_000,
  tasks: 1_000_000,
  bytes: 4 * 1024 ** 3,
};

const INTERVAL_MS = 60_000;

export interface RetentionOptions {
  readonly store: Pick<Store, 'prune'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly rule: RetentionRule;
}

/** Has the store forget finished tasks, a minute after it was last done with that. */
export class Retention {
  readonly #options: RetentionOptions;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    this.#cancelTimer = clock.setTimer(clock.now() + INTERVAL_MS, () => void this.#prune());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  async #prune(): Promise<void> {
    const { store, clock, log, rule } = this.#options;
    try {
      const deleted = await store.prune(rule, clock.now());
      if (deleted > 0) log.debug({ deleted }, 'finished tasks deleted');
    } catch (err) {
      if (!this.#stopped) log.warn({ err }, 'finished tasks could not be deleted; tried again in a minute');
    }
    if (!this.#stopped) this.start();
  }
}
