/** `burst` at once, then `perSecond`. Both positive. */
export interface AdmissionRule {
  readonly perSecond: number;
  readonly burst: number;
}

/** Those who come back do so within this long after their slot: less where the burst is too small to wait for them. */
const LONGEST_SPREAD_MS = 1_000;
/** Nobody is sent away for longer, however many wait: those who would have been come back in the half before it. */
const LONGEST_WAIT_MS = 60_000;
/** Who comes with this much of a place missing is let in; it is missing later, so the rate holds. */
const SHORT = 0.5;

/**
 * Lets agents in at a bounded rate, so that a coordinator which comes back is not overrun by all of them at once.
 *
 * A token bucket decides who gets in. Those who do not are queued in thought alone: each is told to come back at a
 * slot of its own, one slot for each place that the bucket will have, and a little later at random. Everybody comes after
 * its slot and the bucket keeps what was not taken, so all of them find a place when they come back, unless newcomers
 * took it.
 */
export class AgentAdmission {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #spreadMs: number;
  /** Places free at `#at`; less than 0 while those that could not be refused have taken more. */
  #places: number;
  #at: number;
  /** No slot before this is free. */
  #nextSlotAt = -Infinity;

  constructor(rule: AdmissionRule, now: number) {
    this.#perMs = rule.perSecond / 1_000;
    this.#burst = Math.max(1, rule.burst);
    this.#spreadMs = Math.min(LONGEST_SPREAD_MS, (this.#burst - 1) / (2 * this.#perMs));
    this.#places = this.#burst;
    this.#at = now;
  }

  hasPlace(now: number): boolean {
    this.#refill(now);
    return this.#places >= 1 - SHORT;
  }

  /** Null: let in. Else the milliseconds after which to come back; `fraction` is uniform in [0, 1). */
  enter(now: number, fraction: number): number | null {
    if (this.hasPlace(now)) {
      this.#places--;
      return null;
    }
    const slotAt = Math.max(this.#nextSlotAt, now + (1 - this.#places) / this.#perMs);
    if (slotAt - now > LONGEST_WAIT_MS) return (LONGEST_WAIT_MS * (1 + fraction)) / 2;
    this.#nextSlotAt = slotAt + 1 / this.#perMs;
    return slotAt - now + fraction * this.#spreadMs;
  }

  /** One that is not to be refused: others wait for its place. At most a burst of them is remembered. */
  force(now: number): void {
    this.#refill(now);
    this.#places = Math.max(-this.#burst, this.#places - 1);
  }

  #refill(now: number): void {
    const passedMs = Math.max(0, now - this.#at);
    this.#places = Math.min(this.#burst, this.#places + passedMs * this.#perMs);
    this.#at = now;
  }
}
