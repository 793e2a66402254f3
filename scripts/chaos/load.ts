import { setTimeout as wait } from 'node:timers/promises';
import { TaskInputError, TaskRejected, type Client } from '../../src/index.js';
import type { Luck } from '../simulate/luck.js';
import { isResultOf, keyOf, type Work } from './work.js';

/** Faults cost attempts; none of them is the task's own. */
const ATTEMPTS = 1000;
const TASK_TIMEOUT_MS = 20_000;
const LONGEST_WORK_MS = 300;
const PAUSE_MS = 300;
/** When so many wait, submitting pauses. */
const MOST_UNFINISHED = 3000;

/** What is known of the tasks that were submitted. */
export interface LoadResult {
  readonly submitted: number;
  /** Task of each acknowledged submit, by number. */
  readonly acknowledged: ReadonlyMap<number, string>;
  readonly completed: number;
  /** What must never be, in words. */
  readonly problems: readonly string[];
  /** Numbers that have no result. */
  readonly unfinished: readonly number[];
  /** Submits and waits that had to be repeated. */
  readonly repeated: number;
  /** The longest time from a submit to its result, faults and all. */
  readonly longestMs: number;
}

/**
 * Submits tasks at a steady rate, each with an idempotency key, and insists: what is refused or cut off is submitted
 * again with the same key, until its result is there.
 */
export class Load {
  readonly #client: Client;
  readonly #seed: number;
  readonly #luck: Luck;
  readonly #acknowledged = new Map<number, string>();
  readonly #unfinished = new Set<number>();
  readonly #problems: string[] = [];
  #submitted = 0;
  #completed = 0;
  #repeated = 0;
  #longestMs = 0;
  #givenUp = false;

  constructor(client: Client, seed: number, luck: Luck) {
    this.#client = client;
    this.#seed = seed;
    this.#luck = luck;
  }

  get unfinished(): number {
    return this.#unfinished.size;
  }

  async run(perSecond: number, ms: number, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    for (let number = 0; ; number++) {
      const dueMs = (number / perSecond) * 1000;
      const aheadMs = dueMs - (performance.now() - startedAt);
      if (dueMs >= ms) return;
      if (aheadMs > 0) await wait(aheadMs, undefined, { signal });
      while (this.#unfinished.size >= MOST_UNFINISHED) await wait(PAUSE_MS, undefined, { signal });
      this.#submitted++;
      this.#unfinished.add(number);
      void this.#insist({ number, ms: this.#luck.between(1, LONGEST_WORK_MS) });
    }
  }

  /** Waits until every task is done; gives up after `ms`. */
  async finish(ms: number, signal: AbortSignal): Promise<LoadResult> {
    const endsAt = performance.now() + ms;
    while (this.#unfinished.size > 0 && performance.now() < endsAt) {
      await wait(100, undefined, { signal });
    }
    this.#givenUp = true;
    return {
      submitted: this.#submitted,
      acknowledged: this.#acknowledged,
      completed: this.#completed,
      problems: this.#problems,
      unfinished: [...this.#unfinished],
      repeated: this.#repeated,
      longestMs: this.#longestMs,
    };
  }

  async #insist(work: Work): Promise<void> {
    const startedAt = performance.now();
    while (!this.#givenUp) {
      try {
        await this.#once(work);
        this.#unfinished.delete(work.number);
        this.#longestMs = Math.max(this.#longestMs, performance.now() - startedAt);
        return;
      } catch (error) {
        if (error instanceof TaskInputError || (error instanceof TaskRejected && error.permanent)) {
          this.#problems.push(`task ${work.number} was refused for good: ${error.message}`);
          this.#unfinished.delete(work.number);
          return;
        }
      }
      this.#repeated++;
      await wait(PAUSE_MS * (1 + this.#luck.fraction()));
    }
  }

  async #once(work: Work): Promise<void> {
    const { number } = work;
    const task = await this.#client.submit({
      kind: 'compute',
      input: { function: 'work', input: work },
      idempotencyKey: keyOf(this.#seed, number),
      attempts: ATTEMPTS,
      timeoutMs: TASK_TIMEOUT_MS,
    });
    const known = this.#acknowledged.get(number) ?? task.taskId;
    if (known !== task.taskId) {
      this.#problems.push(`submit ${number} was acknowledged as ${known} and as ${task.taskId}`);
    }
    this.#acknowledged.set(number, task.taskId);
    const { state, result, error } = await task.result();
    if (state !== 'completed') {
      this.#problems.push(`task ${number} ended ${state}: ${error?.name ?? ''} ${error?.message ?? ''}`);
    } else if (isResultOf(number, result)) this.#completed++;
    else this.#problems.push(`task ${number} has the result ${JSON.stringify(result)}`);
  }
}
