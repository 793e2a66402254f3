/**
 * A virtual clock: time passes only in `advance`, and what was due on the way runs in the order of its times
 * (then of its setting). It fits every injected clock that asks for `now` and `setTimer`.
 */
export class FakeClock {
  #now: number;
  #sequence = 0;
  readonly #timers = new Set<{ readonly at: number; readonly sequence: number; readonly run: () => void }>();

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Timers set and not yet run or cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs `run` once when the clock reaches `at` (at the next `advance` when that is past); returns what cancels it. */
  setTimer(at: number, run: () => void): () => void {
    const timer = { at, sequence: this.#sequence++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Moves time on by `ms`, through every timer that falls due, those set on the way included. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== null; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
    }
    this.#now = end;
  }

  #next(end: number) {
    let first = null;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (
        first === null ||
        timer.at < first.at ||
        (timer.at === first.at && timer.sequence < first.sequence)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** Lets `ms` of virtual time pass, and all happen that becomes due or arrives on the way. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i++) {
    clock.advance(1);
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
