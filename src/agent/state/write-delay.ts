const MIN_MS = 10;
const MAX_MS = 100;
/** Weight of the latest time in the usual one. */
const LATEST = 1 / 8;

/**
 * How long what may still become needless waits before it is written: twice as long as such things usually take to become
 * so, within bounds. One of them at a time is watched for that.
 */
export class WriteDelay<T> {
  readonly #now: () => number;
  #usualMs = 0;
  #watched: { readonly what: T; readonly since: number } | null = null;

  /** @param now milliseconds on a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds. */
  get ms(): number {
    return Math.min(MAX_MS, Math.max(MIN_MS, 2 * this.#usualMs));
  }

  came(what: T): void {
    this.#watched ??= { what, since: this.#now() };
  }

  /** It is needed no more. */
  went(what: T): void {
    if (what !== this.#watched?.what) return;
    this.#usualMs += LATEST * (this.#now() - this.#watched.since - this.#usualMs);
    this.#watched = null;
  }
}
