/** A commit of one part that takes longer spends most of it on the disk: in memory it is done in half of that. */
const SLOW_MS = 10;
/** In a row: now and then one is slow because the processor was busy with something else. */
const SLOW_ONES = 4;
const MAX_PARTS = 16;

/**
 * How many full parts of what waits go into one commit. One, while commits are quick: small commits are acknowledged
 * sooner, and settling one holds up the event loop for less long. On a disk that takes its time to sync twice as many with
 * each further slow commit, so that what a sync costs is shared by more tasks.
 */
export class CommitSize {
  #parts = 1;
  #slowOnes = 0;
  #startedAt = 0;

  get parts(): number {
    return this.#parts;
  }

  /** A commit goes to the store. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /** The store has written it. `more`: full parts wait for the next. */
  ended(now: number, more: boolean): void {
    if (!more || now - this.#startedAt <= SLOW_MS) {
      this.#slowOnes = 0;
      this.#parts = Math.max(1, this.#parts / 2);
    } else if (++this.#slowOnes >= SLOW_ONES) {
      this.#parts = Math.min(MAX_PARTS, 2 * this.#parts);
    }
  }
}
