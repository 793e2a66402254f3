interface Entry {
  readonly at: number;
  readonly sequence: number;
  run: (() => void) | null;
}

/**
 * Virtual time and what is to happen in it: a heap by time, then by the order of setting. The clock stands still while
 * something runs, and jumps to the next thing after it.
 */
export class Agenda {
  readonly #heap: Entry[] = [];
  #now: number;
  #sequence = 0;

  constructor(start: number) {
    this.#now = start;
  }

  /** Milliseconds since the Unix epoch, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** Runs `run` at `at`, or next when that is past. Returns what cancels it. */
  at(at: number, run: () => void): () => void {
    const entry: Entry = { at: Math.max(at, this.#now), sequence: this.#sequence++, run };
    this.#push(entry);
    return () => {
      entry.run = null;
    };
  }

  after(ms: number, run: () => void): () => void {
    return this.at(this.#now + ms, run);
  }

  /** Runs the next thing; false when there is none before `end`: then it is `end`. */
  step(end: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > end) {
        this.#now = Math.max(this.#now, end);
        return false;
      }
      this.#pop();
      if (first.run === null) continue;
      this.#now = first.at;
      first.run();
      return true;
    }
  }

  /** Runs all that is to happen until `end`. */
  run(end: number): void {
    let more = true;
    while (more) more = this.step(end);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      if (left === undefined) break;
      const right = heap[2 * index + 2];
      const rightIsFirst = right !== undefined && isBefore(right, left);
      const child = rightIsFirst ? right : left;
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (rightIsFirst ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
