import type { MessageOf } from '../../../protocol/messages.js';
import type { Due } from '../due.js';
import type { CoreState } from '../state.js';
import { Timer } from '../timers.js';
import type { Task } from './task.js';

/** What the store is asked on account of needs. */
export type NeedsRead = { readonly taskIds: readonly string[] } & (
  | {
      /** Do these exist? Then the submit goes on. */
      readonly why: 'submit';
      readonly connectionId: string;
      readonly message: MessageOf<'SubmitTask'>;
      readonly input: Uint8Array;
    }
  /** How did these end? */
  | { readonly why: 'ends'; readonly task: Task }
  /** The task itself, for its input, and all it needs, for their results. */
  | { readonly why: 'results'; readonly task: Task }
);

/** Each may bring inputs and results of up to 65 tasks into memory. */
const MAX_UNDER_WAY = 8;

/** Questions to the store, a few at a time; those that wait keep their order. */
export class NeedsReads {
  /** Those before `#next` are under way or over. */
  #waiting: NeedsRead[] = [];
  #next = 0;
  readonly underWay = new Map<number, NeedsRead>();
  /** Of the inputs of submits among them. */
  submitBytes = 0;
  /** Runs after a failed read. */
  readonly retryTimer = new Timer<Due>({ kind: 'needs-retry' });
  nextReadId = 1;

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

  take(): NeedsRead | undefined {
    const read = this.#waiting[this.#next];
    if (read !== undefined) this.#next++;
    // not one by one: there may be as many as there are blocked tasks
    if (2 * this.#next > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return read;
  }

  /** Something could be asked now. */
  get waits(): boolean {
    return this.waiting > 0 && this.underWay.size < MAX_UNDER_WAY && this.retryTimer.index === -1;
  }
}

export function startReads(core: CoreState): void {
  const reads = core.needsReads;
  while (reads.waits) {
    const read = reads.take();
    if (read === undefined) return;
    const readId = reads.nextReadId++;
    reads.underWay.set(readId, read);
    core.act({ type: 'readNeeds', readId, taskIds: read.taskIds });
  }
}
