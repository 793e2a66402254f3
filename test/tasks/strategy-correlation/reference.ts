import fc from 'fast-check';
import { correlate } from '../../../src/tasks/strategy-correlation/correlate.js';
import { parseStrategyCorrelationInput } from '../../../src/tasks/strategy-correlation/input.js';

/** The definitions, written for reading and not for speed: what the kernels are compared with. */

type Series = readonly number[];
const value = (series: Series, index: number) => series[index] ?? NaN;
const sum = (numbers: readonly number[]) => numbers.reduce((total, x) => total + x, 0);

export function referencePearson(x: Series, y: Series): number {
  if (x.length < 3) return NaN;
  const mean = (series: Series) => sum(series) / series.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = sum(x.map((a, i) => (a - mx) * (value(y, i) - my)));
  const constant = (series: Series) => series.every((a) => a === series[0]);
  if (constant(x) || constant(y)) return NaN;
  return covariance / Math.sqrt(sum(x.map((a) => (a - mx) ** 2)) * sum(y.map((b) => (b - my) ** 2)));
}

/** One more than how many are less, plus half of the others that are equal. */
export function referenceRanks(x: Series): number[] {
  return x.map((a) => x.filter((b) => b < a).length + (x.filter((b) => b === a).length + 1) / 2);
}

export function referenceSpearman(x: Series, y: Series): number {
  return referencePearson(referenceRanks(x), referenceRanks(y));
}

export function referenceKendall(x: Series, y: Series): number {
  let [score, untiedX, untiedY] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const dx = Math.sign(value(x, i) - value(x, j));
      const dy = Math.sign(value(y, i) - value(y, j));
      score += dx * dy;
      untiedX += Math.abs(dx);
      untiedY += Math.abs(dy);
    }
  }
  return x.length < 3 ? NaN : score / Math.sqrt(untiedX * untiedY);
}

/** Wagner & Fischer's table. */
export function referenceLcs(a: Series, b: Series): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    b.forEach((y, j) => next.push(x === y ? value(row, j) + 1 : Math.max(value(row, j + 1), value(next, j))));
    row = next;
  }
  return value(row, b.length);
}

/** The pairs of values at which neither is missing (null). */
export function common(x: readonly (number | null)[], y: readonly (number | null)[]): [number[], number[]] {
  const kept: [number[], number[]] = [[], []];
  x.forEach((a, i) => {
    const b = y[i] ?? null;
    if (a === null || b === null) return;
    kept[0].push(a);
    kept[1].push(b);
  });
  return kept;
}

/** Runs an input in which the ids may be left out, and strategies may be constant. */
export function run(input: Readonly<Record<string, unknown>>, pause?: (fraction: number) => void) {
  const count = Array.isArray(input['strategies']) ? input['strategies'].length : 0;
  const strategyIds = Array.from({ length: count }, (_, index) => `s${index}`);
  return correlate(parseStrategyCorrelationInput({ strategyIds, constant: 'keep', ...input }), pause);
}

/** Both NaN, or equal but for rounding. */
export function near(a: number | undefined, b: number | undefined, tolerance = 1e-9): boolean {
  if (a === undefined || b === undefined) return false;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Relative difference at most `tolerance`, down to the smallest numbers. */
export function relativelyNear(a: number, b: number, tolerance: number): boolean {
  return a === b || Math.abs(a - b) <= tolerance * Math.abs(b);
}

/** Whole numbers in quarters: sums and squares are exact, ties are ties, and there are many. */
export const exactPoint = fc.integer({ min: -6, max: 6 }).map((n) => n / 4);
/** Nothing so small that the definitions, taken literally, underflow. */
export const realPoint = fc
  .double({ min: -1e3, max: 1e3, noNaN: true })
  .map((x) => Math.round(x * 1e6) / 1e6);
export const table = <T>(point: fc.Arbitrary<T>, maxRows = 6, maxPoints = 40) =>
  fc
    .tuple(fc.integer({ min: 2, max: maxRows }), fc.integer({ min: 3, max: maxPoints }))
    .chain(([rows, points]) =>
      fc.array(fc.array(point, { minLength: points, maxLength: points }), {
        minLength: rows,
        maxLength: rows,
      }),
    );

/** Normal numbers from a seed: random data that is the same in every run. */
export function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
