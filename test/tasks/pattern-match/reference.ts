import fc from 'fast-check';
import type { DtwCost } from '../../../src/tasks/pattern-match/dtw.js';

/** The definitions, written for reading and not for speed: what the kernels are compared with. */

type Series = ArrayLike<number>;
const value = (series: Series, index: number) => series[index] ?? NaN;

export function referenceDtw(
  a: Series,
  b: Series,
  cost: DtwCost = 'squared',
  window: number | null = null,
): number {
  const table = Array.from({ length: a.length + 1 }, () =>
    Array.from({ length: b.length + 1 }, () => Infinity),
  );
  const cell = (i: number, j: number) => table[i]?.[j] ?? Infinity;
  const put = (i: number, j: number, sum: number) => table[i]?.splice(j, 1, sum);
  put(0, 0, 0);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      if (window !== null && Math.abs(i - j) > window) continue;
      const difference = Math.abs(value(a, i - 1) - value(b, j - 1));
      const step = cost === 'squared' ? difference ** 2 : difference;
      put(i, j, step + Math.min(cell(i - 1, j), cell(i, j - 1), cell(i - 1, j - 1)));
    }
  }
  const sum = cell(a.length, b.length);
  return cost === 'squared' ? Math.sqrt(sum) : sum;
}

export function referenceLcss(a: Series, b: Series, epsilon: number, delta: number | null = null): number {
  const memo = new Map<string, number>();
  const length = (n: number, m: number): number => {
    if (n === 0 || m === 0) return 0;
    const key = `${n},${m}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const matches =
      Math.abs(value(a, n - 1) - value(b, m - 1)) <= epsilon && (delta === null || Math.abs(n - m) <= delta);
    const result = matches ? length(n - 1, m - 1) + 1 : Math.max(length(n - 1, m), length(n, m - 1));
    memo.set(key, result);
    return result;
  };
  return length(a.length, b.length);
}

export function referenceNormalize(series: Series): number[] {
  const values = Array.from(series);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  return values.every((x) => x === values[0])
    ? values.map(() => 0)
    : values.map((x) => (x - mean) / deviation);
}

/** Whole numbers in halves: sums and squares are exact, so that ties are ties. */
export const exactPoint = fc.integer({ min: -8, max: 8 }).map((n) => n / 2);
export const exactSeries = (maxLength = 12, minLength = 1) =>
  fc.array(exactPoint, { minLength, maxLength }).map((points) => Float64Array.from(points));
export const realSeries = (maxLength = 12, minLength = 1) =>
  fc
    .array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength, maxLength })
    .map((points) => Float64Array.from(points));
export const radius = fc.option(fc.nat(14), { nil: null });
export const cost = fc.constantFrom<DtwCost>('squared', 'absolute');

/** Equal but for rounding. */
export function near(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}
