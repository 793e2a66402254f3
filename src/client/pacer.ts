import type { Clock } from '../observe/clock.js';
import { Pacing } from './pacing.js';

export interface PacerOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Asks once more; false when nobody waits for the answer any more. */
  readonly repeat: (requestId: number) => boolean;
  /** Something may be asked without waiting. */
  readonly idle: () => void;
}

/** Carries out a Pacing: asks again when it is time. */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #pacing: Pacing;
  #cancelTimer: () => void = () => undefined;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options.timeoutMs);
  }

  get idle(): boolean {
    return this.#pacing.idle;
  }

  /** Refused for its rate. Gives back the requests to give up. */
  refused(requestId: number, retryAfterMs: number): readonly number[] {
    if (this.#pacing.refused(requestId, retryAfterMs, this.#options.clock.now())) {
      this.#goOn();
      return [];
    }
    const held = [...this.#pacing.held];
    this.reset();
    return held;
  }

  hold(requestId: number): void {
    this.#pacing.hold(requestId);
  }

  /** Taken, answered or over. */
  answered(requestId: number): void {
    if (this.idle) return;
    this.#pacing.answered(requestId, this.#options.clock.now());
    this.#goOn();
    if (this.#pacing.idle) this.#options.idle();
  }

  /** Everything is asked anew, or nothing is asked any more. */
  reset(): void {
    this.#cancelTimer();
    this.#pacing.reset();
  }

  #goOn(): void {
    this.#cancelTimer();
    const { clock, repeat } = this.#options;
    for (let id = this.#pacing.next(clock.now()); id !== null; id = this.#pacing.next(clock.now())) {
      if (!repeat(id)) this.#pacing.forget(id);
    }
    const at = this.#pacing.nextAt;
    if (at !== null) this.#cancelTimer = clock.setTimer(at, () => this.#goOn());
  }
}
