/** Identities remembered at once; more of them share what is forgotten. */
const MAX_BUCKETS = 10_000;

/** Parts of a token that are lost in sums of fractions. */
const ROUNDING = 1e-6;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Requests by identity at a bounded rate: a token bucket for each, with a burst of one second's worth (at least 1). An
 * identity that asks nothing for that long costs no memory after a while.
 */
export class RequestRate {
  readonly #perMs: number;
  readonly #burst: number;
  /** The one that was used last stands last. */
  readonly #buckets = new Map<string, Bucket>();

  /** `perSecond`: positive. */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, perSecond);
  }

  /** Null: go on. Else the milliseconds after which there is room for one. */
  take(identity: string, now: number): number | null {
    const bucket = this.#buckets.get(identity) ?? { tokens: this.#burst, at: now };
    this.#buckets.delete(identity);
    this.#buckets.set(identity, bucket);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + Math.max(0, now - bucket.at) * this.#perMs);
    bucket.at = Math.max(bucket.at, now);
    if (this.#buckets.size > MAX_BUCKETS) this.#forget();
    const missing = 1 - bucket.tokens;
    if (missing > ROUNDING) return Math.ceil(missing / this.#perMs - ROUNDING);
    bucket.tokens--;
    return null;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forget(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
