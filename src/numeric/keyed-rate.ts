import { KeyedQueue } from '../collections/keyed-queue.js';

/** Keys remembered at once; the one that was used longest ago is forgotten, and begins anew. */
const MAX_BUCKETS = 10_000;

/** Parts of a token that are lost in sums of fractions. */
const ROUNDING = 1e-6;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A bounded rate for each key: a token bucket with a burst of one second's worth (at least 1). A key that takes nothing
 * for that long costs no memory after a while.
 */
export class KeyedRate {
  readonly #perMs: number;
  readonly #burst: number;
  /** The one that was used last stands last. */
  readonly #buckets = new KeyedQueue<Bucket>();

  /** `perSecond`: positive. */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, perSecond);
  }

  /** Null: go on. Else the milliseconds after which there is room for one. */
  take(key: string, now: number): number | null {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + Math.max(0, now - bucket.at) * this.#perMs);
    bucket.at = Math.max(bucket.at, now);
    if (this.#buckets.size > MAX_BUCKETS) this.#buckets.takeOldest();
    const missing = 1 - bucket.tokens;
    if (missing > ROUNDING) return Math.ceil(missing / this.#perMs - ROUNDING);
    bucket.tokens--;
    return null;
  }

  get size(): number {
    return this.#buckets.size;
  }
}
