import type { Clock } from '../../observe/clock.js';
import { Buckets, COMMIT_BOUNDS_MS } from '../../observe/metrics/buckets.js';
import type { CoordinatorFigures } from '../../observe/metrics/snapshot.js';
import type { Log } from '../../observe/log.js';
import type { Store } from '../../store/store.js';
import type { Action, CoreEvent } from '../core/contract.js';
import { readEntry } from './take-up.js';

/** What the core wants of the store. */
export type StoreAction = Extract<
  Action,
  {
    readonly type:
      'commit' | 'lookup' | 'list' | 'readInputs' | 'readTraining' | 'readNeeds' | 'consumeNonce';
  }
>;

export interface StoreErrandOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a nonce is remembered. */
  readonly nonceLifetimeMs: number;
  /** Hands the answer to the core. */
  readonly answer: (event: CoreEvent) => void;
}

/** Carries out what the core wants of the store, and brings the answers. A store that fails is an answer too. */
export class StoreErrands {
  readonly #options: StoreErrandOptions;
  /** Connections that wait for the next question about nonces, with their nonces. */
  #nonces = new Map<string, string>();
  #askingNonces = false;
  readonly #commits = { durations: new Buckets(COMMIT_BOUNDS_MS), operations: 0, failed: 0 };

  constructor(options: StoreErrandOptions) {
    this.#options = options;
  }

  /** How long commits took until they were durable, and what was in them. */
  get commits(): CoordinatorFigures['commits'] {
    return this.#commits;
  }

  carryOut(action: StoreAction): void {
    const { store, answer, clock } = this.#options;
    switch (action.type) {
      case 'commit': {
        const { commitId } = action;
        const startedAt = clock.now();
        store.commit(action.ops).then(
          (outcomes) => {
            this.#commits.durations.observe(clock.now() - startedAt);
            this.#commits.operations += outcomes.length;
            answer({ type: 'committed', commitId, outcomes });
          },
          (error: unknown) => {
            this.#commits.failed++;
            answer({ type: 'commitFailed', commitId, reason: messageOf(error) });
          },
        );
        return;
      }
      case 'lookup': {
        const { lookupId } = action;
        store.get([action.taskId]).then(
          ([task]) => answer({ type: 'found', lookupId, task: task ?? null }),
          (error: unknown) => {
            this.#readFailed(error);
            answer({ type: 'found', lookupId, task: null });
          },
        );
        return;
      }
      case 'list': {
        const { lookupId } = action;
        store.list(action.filter).then(
          (tasks) => answer({ type: 'listed', lookupId, tasks }),
          (error: unknown) => {
            this.#readFailed(error);
            answer({ type: 'listed', lookupId, tasks: null });
          },
        );
        return;
      }
      case 'readInputs': {
        const { readId } = action;
        store.readInputs(action.taskIds).then(
          (inputs) => answer({ type: 'inputsRead', readId, inputs }),
          (error: unknown) => {
            this.#readFailed(error);
            answer({ type: 'inputsRead', readId, inputs: null });
          },
        );
        return;
      }
      case 'readTraining': {
        const { taskId } = action;
        Promise.all([store.readInputs([taskId]), readEntry(store, 'checkpoint', taskId)]).then(
          ([[input = null], checkpoint]) =>
            answer({ type: 'trainingRead', taskId, found: { input, checkpoint } }),
          (error: unknown) => {
            this.#readFailed(error);
            answer({ type: 'trainingRead', taskId, found: null });
          },
        );
        return;
      }
      case 'readNeeds': {
        const { readId } = action;
        store.get(action.taskIds).then(
          (tasks) => answer({ type: 'needsRead', readId, tasks }),
          (error: unknown) => {
            this.#readFailed(error);
            answer({ type: 'needsRead', readId, tasks: null });
          },
        );
        return;
      }
      case 'consumeNonce':
        this.#nonces.set(action.connectionId, action.nonce);
        if (!this.#askingNonces) void this.#askNonces();
        return;
    }
  }

  /** One question at a time, about all that came meanwhile: after a restart every agent resumes at once. */
  async #askNonces(): Promise<void> {
    const { store, clock, nonceLifetimeMs, answer } = this.#options;
    this.#askingNonces = true;
    while (this.#nonces.size > 0) {
      const asked = this.#nonces;
      this.#nonces = new Map();
      const now = clock.now();
      const nonces = [...asked.values()].map((value) => ({ value, expiresAt: now + nonceLifetimeMs }));
      let fresh: readonly boolean[] = [];
      try {
        fresh = await store.consumeNonces(nonces, now);
      } catch (error) {
        // Nobody can say that they are fresh.
        this.#readFailed(error);
      }
      let index = 0;
      for (const connectionId of asked.keys()) {
        answer({ type: 'nonceChecked', connectionId, fresh: fresh[index++] ?? false });
      }
    }
    this.#askingNonces = false;
  }

  #readFailed(err: unknown): void {
    this.#options.log.warn({ err }, 'the store did not answer');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
