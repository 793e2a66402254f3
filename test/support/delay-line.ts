interface Waiting<T> {
  readonly dueMs: number;
  readonly item: T;
}

/**
 * Things on their way, in the order in which they fall due; equal times keep the order of `add`.
 * Pure: the clock is the caller's.
 */
export class DelayLine<T> {
  readonly #waiting: Waiting<T>[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** When the first thing is due, or null when nothing is on its way. */
  get nextDueMs(): number | null {
    return this.#waiting[0]?.dueMs ?? null;
  }

  add(dueMs: number, item: T): void {
    // From the back: with one delay for all, what comes last is due last.
    let place = this.#waiting.length;
    while (place > 0 && (this.#waiting[place - 1]?.dueMs ?? 0) > dueMs) place--;
    this.#waiting.splice(place, 0, { dueMs, item });
  }

  /** Takes out everything due at `nowMs`. */
  takeDue(nowMs: number): T[] {
    let due = 0;
    while (due < this.#waiting.length && (this.#waiting[due]?.dueMs ?? Infinity) <= nowMs) due++;
    return this.#waiting.splice(0, due).map(({ item }) => item);
  }

  clear(): void {
    this.#waiting.length = 0;
  }
}
