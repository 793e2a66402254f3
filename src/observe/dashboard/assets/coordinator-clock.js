const MINUTE_MS = 60_000;

/**
 * The coordinator's clock, which may be hours away from this one's, as the times in its answers and of its events tell it.
 * Each was on its way for a while: the youngest of the last minutes tells best, and a clock that was set is followed.
 */
export class CoordinatorClock {
  /** How far the coordinator is ahead, by what was heard in this minute and in the one before. */
  #latest = -Infinity;
  #before = -Infinity;
  #minute = 0;

  /** @param {number} at when something was said or happened, by the coordinator's clock */
  hear(at) {
    const minute = Math.floor(performance.now() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#before = this.#latest;
      this.#latest = -Infinity;
      this.#minute = minute;
    }
    this.#latest = Math.max(this.#latest, at - Date.now());
  }

  /** Milliseconds since 1970; by this machine's clock while nothing was heard. */
  now() {
    const ahead = Math.max(this.#latest, this.#before);
    return Date.now() + (ahead === -Infinity ? 0 : ahead);
  }
}
