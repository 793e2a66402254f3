import type { TaskEventType } from './task-machine.js';

/** One thing that happened to a task. */
export interface HistoryEntry {
  readonly event: TaskEventType | 'submit' | 'recover';
  readonly at: number;
}

/** Entries kept: the first, and the latest of the rest. */
export const HISTORY_LIMIT = 32;

const EVENTS = [
  'submit',
  'recover',
  'due',
  'lease',
  'progress',
  'complete',
  'fail',
  'timeout',
  'lost',
  'cancel',
] as const satisfies readonly HistoryEntry['event'][];
const CODE_OF_EVENT: Readonly<Record<HistoryEntry['event'], number>> = {
  submit: 0,
  recover: 1,
  due: 2,
  lease: 3,
  progress: 4,
  complete: 5,
  fail: 6,
  timeout: 7,
  lost: 8,
  cancel: 9,
};

/** Codes in one number of an entry: more than there are events. */
const CODES = 16;
/** Marks room that most tasks need: submit, lease, complete. */
const FREE = 0;

/**
 * What happened to one task, in order: at most HISTORY_LIMIT entries, of which the first is never dropped.
 * One number for each (time in whole milliseconds × CODES + code), because a million tasks each have some.
 */
export class TaskHistory {
  readonly #entries: number[];
  #length = 1;

  constructor(event: 'submit' | 'recover', at: number) {
    this.#entries = [encode(event, at), FREE, FREE];
  }

  record(event: TaskEventType, at: number): void {
    if (this.#length >= HISTORY_LIMIT) {
      this.#entries.splice(1, 1);
      this.#length--;
    }
    this.#entries[this.#length++] = encode(event, at);
  }

  entries(): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    for (const entry of this.#entries.slice(0, this.#length)) {
      const event = EVENTS[entry % CODES];
      if (event !== undefined) entries.push({ event, at: Math.floor(entry / CODES) });
    }
    return entries;
  }
}

function encode(event: HistoryEntry['event'], at: number): number {
  return Math.round(at) * CODES + CODE_OF_EVENT[event];
}
