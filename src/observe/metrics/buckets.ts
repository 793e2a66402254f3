/**
 * A histogram that costs an addition or two for each value: counts by upper bound, read out when somebody asks. Values
 * and bounds are in one unit of the caller's choice; what is no number counts as 0.
 */
export class Buckets {
  /** Values at most `bounds[i]` and above `bounds[i - 1]`; the last one: above all bounds. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;
  readonly bounds: readonly number[];

  /** `bounds`: rising. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const known = value > 0 ? value : 0;
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (known <= (bounds[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += known;
    this.count++;
  }
}

/** Upper bounds in milliseconds: from a fraction of a round trip on one machine to tasks of minutes. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000,
];

/** The same for what should take milliseconds. */
export const COMMIT_BOUNDS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000,
];
