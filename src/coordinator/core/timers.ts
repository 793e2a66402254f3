/** What has a deadline in a heap. Only the heap writes to it. */
export interface Timed {
  /** When it is due; meaningful while it is in a heap. */
  at: number;
  /** Its place in the heap; -1 outside. */
  index: number;
}

/** One deadline. Whoever wants it keeps it, to move or cancel it. */
export class Timer<T> implements Timed {
  at = 0;
  index = -1;

  constructor(readonly due: T) {}
}

/**
 * Deadlines in a binary heap that knows each one's place: set, move and cancel in O(log n), the next one in O(1).
 * The core has no clock: its owner asks `next`, waits, and calls `popDue`.
 */
export class DeadlineHeap<E extends Timed> {
  readonly #heap: E[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline, or null when there is none. */
  next(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  /** Puts a timer in, or moves it. */
  set(timer: E, at: number): void {
    if (timer.index === -1) {
      timer.at = at;
      timer.index = this.#heap.length;
      this.#heap.push(timer);
      this.#rise(timer);
      return;
    }
    const earlier = at < timer.at;
    timer.at = at;
    if (earlier) this.#rise(timer);
    else this.#sink(timer);
  }

  /** Takes a timer out; does nothing when it is not in. */
  cancel(timer: E | null): void {
    if (timer === null || timer.index === -1) return;
    const last = this.#heap.pop();
    const hole = timer.index;
    timer.index = -1;
    if (last === undefined || last === timer) return;
    last.index = hole;
    this.#heap[hole] = last;
    this.#rise(last);
    this.#sink(last);
  }

  /** Takes out the earliest timer if it is due (`at` not after `now`), else null. */
  popDue(now: number): E | null {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return null;
    this.cancel(first);
    return first;
  }

  /** All that are in, in no order. */
  values(): Iterable<E> {
    return this.#heap;
  }

  #rise(timer: E): void {
    let index = timer.index;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || parent.at <= timer.at) break;
      this.#heap[index] = parent;
      parent.index = index;
      index = parentIndex;
    }
    this.#heap[index] = timer;
    timer.index = index;
  }

  #sink(timer: E): void {
    let index = timer.index;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      if (left === undefined) break;
      const right = this.#heap[2 * index + 2];
      const child = right !== undefined && right.at < left.at ? right : left;
      if (child.at >= timer.at) break;
      const childIndex = child.index;
      this.#heap[index] = child;
      child.index = index;
      index = childIndex;
    }
    this.#heap[index] = timer;
    timer.index = index;
  }
}

/** Deadlines of things that each keep a timer. */
export class TimerHeap<T> extends DeadlineHeap<Timer<T>> {}
