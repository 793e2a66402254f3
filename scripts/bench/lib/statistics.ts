/** The two latencies every section reports, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Nearest-rank percentile: the smallest value that at least `share` (0 to 1) of the values do not exceed. Throws on []. */
export function percentile(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('percentile of no values');
  return value;
}

/** The middle value; of an even count, the mean of the two in the middle. Throws on []. */
export function median(values: readonly number[]): number {
  const lower = percentile(values, 0.5);
  if (values.length % 2 === 1) return lower;
  const upper = Float64Array.from(values).sort()[values.length / 2] ?? lower;
  return (lower + upper) / 2;
}

export function latency(samplesMs: readonly number[]): Latency {
  return { p50Ms: percentile(samplesMs, 0.5), p99Ms: percentile(samplesMs, 0.99) };
}
