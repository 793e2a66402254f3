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
      | 'commit'
      | 'lookup'
      | 'list'
      | 'readInputs'
      | 'readTraining'
      | 'readStates'
      | 'readResults'
      | 'consumeNonce';
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
        this.#read(store.get([action.taskId]), (found) => {
          const [task = null] = found ?? [];
          return { type: 'found', lookupId, task };
        });
        return;
      }
      case 'list': {
        const { lookupId } = action;
        this.#read(store.list(action.filter), (tasks) => ({ type: 'listed', lookupId, tasks }));
        return;
      }
      case 'readInputs': {
        const { readId } = action;
        this.#read(store.readInputs(action.taskIds), (inputs) => ({ type: 'inputsRead', readId, inputs }));
        return;
      }
      case 'readTraining': {
        const { taskId } = action;
        const parts = Promise.all([store.readInputs([taskId]), readEntry(store, 'checkpoint', taskId)]);
        const both = parts.then(([[input = null], checkpoint]) => ({ input, checkpoint }));
        this.#read(both, (found) => ({ type: 'trainingRead', taskId, found }));
        return;
      }
      case 'readStates': {
        const { readId, taskIds, key } = action;
        const holder = key === null ? null : store.keyHolder(key.idempotencyKey, key.at);
        const both = Promise.all([store.readStates(taskIds), holder]).then(([states, keyHolder]) => ({
          states,
          keyHolder,
        }));
        this.#read(both, (found) => ({ type: 'statesRead', readId, found }));
        return;
      }
      case 'readResults': {
        const { readId, taskId, resultsOf } = action;
        const parts = Promise.all([store.readInputs([taskId]), store.readResults(resultsOf)]);
        const both = parts.then(([[input = null], results]) => ({ input, results }));
        this.#read(both, (found) => ({ type: 'resultsRead', readId, found }));
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

  /** `answered`: what is said with what was found; null when the store cannot be read. */
  #read<T>(found: Promise<T>, answered: (found: T | null) => CoreEvent): void {
    const { answer } = this.#options;
    found.then(
      (value) => answer(answered(value)),
      (error: unknown) => {
        this.#readFailed(error);
        answer(answered(null));
      },
    );
  }

  #readFailed(err: unknown): void {
    this.#options.log.warn({ err }, 'the store did not answer');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
