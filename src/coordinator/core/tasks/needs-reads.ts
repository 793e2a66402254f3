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
  readonly waiting: NeedsRead[] = [];
  readonly underWay = new Map<number, NeedsRead>();
  /** Of the inputs of submits among them. */
  submitBytes = 0;
  /** Runs after a failed read. */
  readonly retryTimer = new Timer<Due>({ kind: 'needs-retry' });
  nextReadId = 1;

  /** Something could be asked now. */
  get waits(): boolean {
    return this.waiting.length > 0 && this.underWay.size < MAX_UNDER_WAY && this.retryTimer.index === -1;
  }
}

export function startReads(core: CoreState): void {
  const reads = core.needsReads;
  while (reads.waits) {
    const read = reads.waiting.shift();
    if (read === undefined) return;
    const readId = reads.nextReadId++;
    reads.underWay.set(readId, read);
    core.act({ type: 'readNeeds', readId, taskIds: read.taskIds });
  }
}
