import { keptBytes } from './kept-bytes.js';
import { isFinished, type FinishedState, type MemoryRow } from './memory-row.js';
import type { RetentionRule } from './store.js';

interface Entry {
  readonly row: MemoryRow;
  /** As it was when the entry was made: the entry is void when the row has another one by now. */
  readonly state: FinishedState;
}

/** The finished tasks of a MemoryStore, in the order in which they finished, and what they weigh. */
export class MemoryRetention {
  /** From `#first` on. */
  #entries: Entry[] = [];
  #first = 0;
  #sorted = true;
  #tasks = 0;
  #bytes = 0;

  constructor(readonly forget: (row: MemoryRow) => void) {}

  add(row: MemoryRow): void {
    if (!isFinished(row.current)) return;
    const last = this.#entries.at(-1);
    if (last !== undefined && last.state.finishedAt > row.current.finishedAt) this.#sorted = false;
    this.#entries.push({ row, state: row.current });
    this.#tasks++;
    this.#bytes += weight(row);
  }

  /** To be called while the row is still in its finished state. */
  remove(row: MemoryRow): void {
    this.#tasks--;
    this.#bytes -= weight(row);
  }

  /** Forgets the earliest finished until the rest is within `rule`, or `limit` are forgotten. Returns how many were. */
  prune(rule: RetentionRule, now: number, limit: number): number {
    if (!this.#sorted) this.#sort();
    let pruned = 0;
    while (pruned < limit) {
      const entry = this.#entries[this.#first];
      if (entry === undefined) break;
      if (entry.row.current === entry.state) {
        if (!this.#isTooMuch(rule, now, entry.state)) break;
        this.remove(entry.row);
        this.forget(entry.row);
        pruned++;
      }
      this.#first++;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return pruned;
  }

  #isTooMuch({ ageMs, tasks, bytes }: RetentionRule, now: number, oldest: FinishedState): boolean {
    if (tasks !== null && this.#tasks > tasks) return true;
    if (bytes !== null && this.#bytes > bytes) return true;
    return ageMs !== null && now - oldest.finishedAt > ageMs;
  }

  #sort(): void {
    this.#entries = this.#entries.slice(this.#first).sort((a, b) => a.state.finishedAt - b.state.finishedAt);
    this.#first = 0;
    this.#sorted = true;
  }
}

function weight({ input, current }: MemoryRow): number {
  const result = current.state === 'completed' ? current.result : null;
  return keptBytes(input, result, 'error' in current ? current.error : null);
}
