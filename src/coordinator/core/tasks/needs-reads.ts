import { MAX_NEEDS } from '../../../protocol/limits.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { Due } from '../due.js';
import type { CoreState } from '../state.js';
import { Timer } from '../timers.js';
import type { Task } from './task.js';

/** What the store is asked on account of needs. */
export type NeedsRead = { readonly taskIds: readonly string[] } & (
  | {
      /** Do these exist? Then the submit goes on; or it is one sent again, whose task is known. */
      readonly why: 'submit';
      readonly connectionId: string;
      readonly message: MessageOf<'SubmitTask'>;
      readonly input: Uint8Array;
    }
  /** How did these end? */
  | { readonly why: 'ends'; readonly task: Task }
  /** What is put into the input of the task? */
  | { readonly why: 'results'; readonly task: Task }
);

const MAX_UNDER_WAY = 8;
/** Of all of them together, in memory at once: as many as one task may need. */
const MAX_RESULTS = MAX_NEEDS;

/** Questions to the store, a few at a time; those that wait keep their order. */
export class NeedsReads {
  /** Those before `#next` are under way or over. */
  #waiting: NeedsRead[] = [];
  #next = 0;
  readonly underWay = new Map<number, NeedsRead>();
  /** Tasks whose results are being read. */
  #results = 0;
  /** Of the inputs of submits among them. */
  submitBytes = 0;
  /** Runs after a failed read. */
  readonly retryTimer = new Timer<Due>({ kind: 'needs-retry' });
  #nextReadId = 1;

  /** Questions that have not been asked. */
  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  add(read: NeedsRead): void {
    this.#waiting.push(read);
  }

  /** It was not answered: it comes before all others. */
  again(read: NeedsRead): void {
    if (this.#next > 0) this.#waiting[--this.#next] = read;
    else this.#waiting.unshift(read);
  }

  /** The next question is under way from now on; null when none waits. */
  begin(): { readonly readId: number; readonly read: NeedsRead } | null {
    const read = this.#waiting[this.#next];
    if (read === undefined) return null;
    this.#next++;
    // not one by one: there may be as many as there are blocked tasks
    if (2 * this.#next > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    const readId = this.#nextReadId++;
    this.underWay.set(readId, read);
    if (read.why === 'results') this.#results += read.taskIds.length;
    return { readId, read };
  }

  /** The store has answered; undefined for a question that is not under way. */
  end(readId: number): NeedsRead | undefined {
    const read = this.underWay.get(readId);
    this.underWay.delete(readId);
    if (read?.why === 'results') this.#results -= read.taskIds.length;
    return read;
  }

  /** Something could be asked now. */
  get waits(): boolean {
    const next = this.#waiting[this.#next];
    if (next === undefined || this.underWay.size >= MAX_UNDER_WAY || this.retryTimer.index !== -1)
      return false;
    return next.why !== 'results' || this.#results + next.taskIds.length <= MAX_RESULTS;
  }
}

export function startReads(core: CoreState, now: number): void {
  const reads = core.needsReads;
  while (reads.waits) {
    const next = reads.begin();
    if (next === null) return;
    const { readId, read } = next;
    const { taskIds } = read;
    if (read.why === 'results') {
      core.act({ type: 'readResults', readId, taskId: read.task.spec.taskId, resultsOf: taskIds });
      continue;
    }
    const idempotencyKey = read.why === 'submit' ? read.message.idempotencyKey : undefined;
    const key = idempotencyKey === undefined ? null : { idempotencyKey, at: now };
    core.act({ type: 'readStates', readId, taskIds, key });
  }
}
