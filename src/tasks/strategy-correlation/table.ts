import { at } from '../at.js';
import { bitCount, int32At } from './int32.js';
import type { Missing, Transform } from './options.js';

/** Fewest common points for which a coefficient is given: with two, every correlation is 1 or -1. */
export const MIN_POINTS = 3;

/** The values to correlate: one row a strategy, one column a point in time, NaN where a value is missing. */
export interface Table {
  readonly rows: readonly Float64Array[];
  /** Columns. */
  readonly points: number;
  /** Whether row i has no missing value. */
  readonly complete: readonly boolean[];
}

/** A table of rows of equal length. Points at which every row is missing are dropped: they belong to no pair. */
export function tableOf(rows: readonly Float64Array[]): Table {
  const points = rows[0]?.length ?? 0;
  const complete = rows.map((row) => !row.includes(NaN));
  if (complete.includes(true)) return { rows, points, complete };
  const kept = Array.from({ length: points }, (_, point) => point).filter((point) =>
    rows.some((row) => !Number.isNaN(at(row, point))),
  );
  if (kept.length === points) return { rows, points, complete };
  const dense = rows.map((row) => Float64Array.from(kept, (point) => at(row, point)));
  return { rows: dense, points: kept.length, complete: dense.map((row) => !row.includes(NaN)) };
}

/**
 * What is correlated of the series as given. `returns`: p[t] / p[t-1] - 1; `log-returns`: ln(p[t] / p[t-1]); both one
 * value fewer than there are prices, and missing where either price is. With `listwise`, a point at which one row is
 * missing becomes missing in all.
 */
export function valuesOf(
  series: readonly Float64Array[],
  transform: Transform,
  missing: Missing,
): readonly Float64Array[] {
  const values = transform === 'none' ? series : series.map((prices) => changes(prices, transform));
  return missing === 'listwise' ? listwise(values) : values;
}

function changes(prices: Float64Array, transform: 'returns' | 'log-returns'): Float64Array {
  const result = new Float64Array(prices.length - 1);
  for (let t = 1; t < prices.length; t++) {
    const ratio = at(prices, t) / at(prices, t - 1);
    result[t - 1] = transform === 'returns' ? ratio - 1 : Math.log(ratio);
  }
  return result;
}

function listwise(rows: readonly Float64Array[]): readonly Float64Array[] {
  const points = rows[0]?.length ?? 0;
  const gaps: number[] = [];
  for (let point = 0; point < points; point++) {
    if (rows.some((row) => Number.isNaN(at(row, point)))) gaps.push(point);
  }
  if (gaps.length === 0) return rows;
  return rows.map((row) => {
    const copy = row.slice();
    for (const gap of gaps) copy[gap] = NaN;
    return copy;
  });
}

/** Points at which both of a pair have a value, as rows of a symmetric matrix; null when no value is missing at all. */
export function commonPoints({ rows, points, complete }: Table): Int32Array[] | null {
  if (!complete.includes(false)) return null;
  const words = Math.ceil(points / 32);
  const present = rows.map((row) => {
    const bits = new Int32Array(words);
    for (let t = 0; t < points; t++) {
      if (!Number.isNaN(at(row, t))) bits[t >> 5] = int32At(bits, t >> 5) | (1 << (t & 31));
    }
    return bits;
  });
  const counts = rows.map(() => new Int32Array(rows.length));
  present.forEach((a, i) => {
    for (let j = 0; j <= i; j++) {
      const b = present[j] ?? a;
      let common = 0;
      for (let word = 0; word < words; word++) common += bitCount(int32At(a, word) & int32At(b, word));
      counts[i]?.fill(common, j, j + 1);
      counts[j]?.fill(common, i, i + 1);
    }
  });
  return counts;
}

/** By point: 1 where the row has a value, 0 where it is missing. */
export function presenceOf(row: Float64Array): Int32Array {
  // NaN alone differs from itself.
  return Int32Array.from(row, (value) => (value === value ? 1 : 0));
}

/**
 * Copies the values of both rows at their common points to the fronts of `x` and `y`; returns how many there are.
 * Without a branch: one that follows the gaps would be guessed wrong too often.
 */
export function gatherCommon(
  a: Float64Array,
  b: Float64Array,
  presentA: Int32Array,
  presentB: Int32Array,
  x: Float64Array,
  y: Float64Array,
): number {
  let count = 0;
  for (let t = 0; t < a.length; t++) {
    x[count] = at(a, t);
    y[count] = at(b, t);
    count += int32At(presentA, t) & int32At(presentB, t);
  }
  return count;
}
