export interface PlainSketch {
  /** Number of the bucket that `counts` starts with. */
  readonly offset: number;
  readonly counts: readonly number[];
}

/** Quantiles are off by at most this share of their value. */
export const RELATIVE_ERROR = 0.05;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** Milliseconds; what is outside counts as these. */
const LEAST = 0.001;
const MOST = 1e9;
const LAST_BUCKET = bucketOf(MOST);

/**
 * Quantiles of latencies in bounded room: counts in buckets whose bounds grow by a constant factor (DDSketch, Masson,
 * Rim & Lee 2019). At most 277 buckets, in practice as many as the latencies differ. What was counted in two sketches can
 * be added and taken away bucket by bucket without loss.
 */
export class LatencySketch {
  #offset: number;
  #counts: number[];
  #count = 0;

  constructor(from: PlainSketch = { offset: 0, counts: [] }) {
    this.#offset = from.offset;
    this.#counts = [...from.counts];
    for (const count of this.#counts) this.#count += count;
  }

  get count(): number {
    return this.#count;
  }

  /** Milliseconds, 0 or more; `times`: that many of them. */
  add(latencyMs: number, times = 1): void {
    const bucket = bucketOf(latencyMs);
    this.#cover(bucket);
    const index = bucket - this.#offset;
    this.#counts[index] = (this.#counts[index] ?? 0) + times;
    this.#count += times;
  }

  /**
   * The latency that `share` (0 to 1) of the values do not exceed, by nearest rank; null when there are none. `without`:
   * a sketch of some of the same values, which are left out.
   */
  quantile(share: number, without: LatencySketch | null = null): number | null {
    const count = this.#count - (without?.count ?? 0);
    if (count <= 0) return null;
    const rank = Math.max(1, Math.ceil(share * count));
    let seen = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      const bucket = this.#offset + i;
      seen += (this.#counts[i] ?? 0) - (without?.countIn(bucket) ?? 0);
      if (seen >= rank) return middleOf(bucket);
    }
    return middleOf(this.#offset + this.#counts.length - 1);
  }

  /** Values counted in a bucket. */
  countIn(bucket: number): number {
    return this.#counts[bucket - this.#offset] ?? 0;
  }

  plain(): PlainSketch {
    return { offset: this.#offset, counts: [...this.#counts] };
  }

  #cover(bucket: number): void {
    if (this.#counts.length === 0) this.#offset = bucket;
    if (bucket < this.#offset) {
      const before = new Array<number>(this.#offset - bucket).fill(0);
      this.#counts = [...before, ...this.#counts];
      this.#offset = bucket;
    }
    while (bucket >= this.#offset + this.#counts.length) this.#counts.push(0);
  }
}

/** 0 for all up to the least. */
function bucketOf(latencyMs: number): number {
  if (!(latencyMs > LEAST)) return 0;
  return Math.ceil(Math.log(Math.min(latencyMs, MOST) / LEAST) / LOG_GAMMA);
}

/** The value whose relative distance to both bounds of the bucket is the same. */
function middleOf(bucket: number): number {
  return bucket === 0 ? LEAST : (2 * LEAST * GAMMA ** Math.min(bucket, LAST_BUCKET)) / (GAMMA + 1);
}
