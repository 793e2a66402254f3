import fc from 'fast-check';
import t from 'tap';
import { parsePatternMatchInput, parsePatternTask } from '../../../src/tasks/pattern-match/input.js';
import { match } from '../../../src/tasks/pattern-match/match.js';
import { cost, exactPoint, near, radius, referenceDtw, referenceNormalize } from './reference.js';

const run = (input: unknown) => match(parsePatternMatchInput(input));

/** A series of so many dimensions, as a list of points in time. */
const moments = (dimensions: number, minLength: number, maxLength: number) =>
  fc.array(fc.array(exactPoint, { minLength: dimensions, maxLength: dimensions }), { minLength, maxLength });
const dimensionsOf = (points: readonly (readonly number[])[]) =>
  (points[0] ?? []).map((_, d) => points.map((point) => point[d] ?? NaN));
const varies = (series: readonly number[]) => series.some((x) => x !== series[0]);

/** Dependent DTW by its definition: one table, a pair costs the weighted sum over the dimensions. */
function referenceDependent(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  weights: readonly number[],
  kind: 'squared' | 'absolute',
  window: number | null,
): number {
  const rows = a[0]?.length ?? 0;
  const columns = b[0]?.length ?? 0;
  const memo = new Map<string, number>();
  const cost = (i: number, j: number): number => {
    if (i < 0 && j < 0) return 0;
    if (i < 0 || j < 0 || (window !== null && Math.abs(i - j) > window)) return Infinity;
    const key = `${i},${j}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const pair = weights.reduce((sum, weight, d) => {
      const difference = Math.abs((a[d]?.[i] ?? NaN) - (b[d]?.[j] ?? NaN));
      return sum + weight * (kind === 'squared' ? difference ** 2 : difference);
    }, 0);
    const result = pair + Math.min(cost(i - 1, j), cost(i, j - 1), cost(i - 1, j - 1));
    memo.set(key, result);
    return result;
  };
  const sum = cost(rows - 1, columns - 1);
  return kind === 'squared' ? Math.sqrt(sum) : sum;
}

const task = fc.integer({ min: 2, max: 3 }).chain((dimensions) =>
  fc.record({
    current: moments(dimensions, 2, 6).map(dimensionsOf),
    series: moments(dimensions, 8, 30).map(dimensionsOf),
    weights: fc.array(fc.constantFrom(0.25, 1, 4), { minLength: dimensions, maxLength: dimensions }),
    cost,
    limit: radius,
    normalize: fc.boolean(),
    exclusion: fc.nat(4),
    k: fc.integer({ min: 1, max: 3 }),
  }),
);

void t.test('the search in a series of several dimensions equals brute force', (t) => {
  fc.assert(
    fc.property(task, ({ current, series, weights, limit, ...options }) => {
      const points = current[0]?.length ?? 0;
      const length = series[0]?.length ?? 0;
      const window = limit === null ? null : Math.min(limit, length);
      const normalize = options.normalize && [...current, ...series].every(varies);
      const level = (dimensions: readonly (readonly number[])[]) =>
        normalize ? dimensions.map((dimension) => referenceNormalize(dimension)) : dimensions;
      const query = level(current);
      const distances = Array.from({ length: length - points + 1 }, (_, offset) => {
        const stretch = level(series.map((dimension) => dimension.slice(offset, offset + points)));
        return referenceDependent(query, stretch, weights, options.cost, window);
      });
      const found = run({ current, series, weights, window, ...options, normalize }).matches;
      const chosen: number[] = [];
      for (const entry of found) {
        const offset = 'offset' in entry ? entry.offset : -1;
        t.ok(near(entry.distance, distances[offset] ?? NaN));
        distances.forEach((distance, other) => {
          if (chosen.some((taken) => Math.abs(taken - other) < Math.max(1, options.exclusion))) return;
          t.ok(distance >= entry.distance || near(distance, entry.distance), 'nothing nearer is left out');
        });
        chosen.push(offset);
      }
      t.ok(found.length === options.k || found.length < distances.length);
    }),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('the search among windows of several dimensions equals brute force', (t) => {
  const windows = fc.record({
    current: moments(2, 1, 6).map(dimensionsOf),
    historical: fc.array(moments(2, 1, 7).map(dimensionsOf), { minLength: 1, maxLength: 10 }),
    weights: fc.array(fc.constantFrom(0.25, 1, 4), { minLength: 2, maxLength: 2 }),
    cost,
  });
  fc.assert(
    fc.property(windows, ({ current, historical, weights, cost }) => {
      const wanted = historical
        .map((window) => referenceDependent(current, window, weights, cost, null))
        .sort((a, b) => a - b);
      const found = run({ current, historical, weights, cost, k: historical.length }).matches;
      t.equal(found.length, wanted.length);
      found.forEach(({ distance }, rank) => t.ok(near(distance, wanted[rank] ?? NaN)));
    }),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('one dimension, named or listed, is the plain series', (t) => {
  const current = [1, 3, 2];
  const series = [5, 1, 3, 2, 9, 1, 4, 2, 0];
  const plain = run({ current, series, k: 2 });
  t.same(run({ current: { close: current }, series: { close: series }, k: 2 }), plain);
  t.same(run({ current: [current], series: [series], k: 2 }), plain);
  t.end();
});

void t.test('a dimension twice costs twice; weight 0 takes it out', (t) => {
  const current = { a: [1, 2, 3], b: [3, 1, 2] };
  const historical = [{ b: [0, 0, 9], a: [2, 2, 4] }];
  const alone = referenceDtw(current.a, historical[0]?.a ?? [], 'absolute');
  const distance = (weights: unknown) =>
    run({ current, historical, weights, cost: 'absolute' }).matches[0]?.distance;
  t.equal(distance({ b: 0 }), alone);
  t.equal(distance([2, 0]), 2 * alone);
  const twice = { current: [current.a, current.a], historical: [[historical[0]?.a, historical[0]?.a]] };
  t.equal(run({ ...twice, cost: 'absolute' }).matches[0]?.distance, 2 * alone);
  t.end();
});

void t.test(
  'the forecast reads the first dimension of current, in whatever order the series has them',
  (t) => {
    const result = run({
      current: { close: [1, 2], volume: [7, 8] },
      series: { volume: [7, 8, 900, 1, 1], close: [1, 2, 3, 50, 60] },
      k: 1,
      horizon: 1,
    });
    t.equal(result.expectedOutcome, 0.5);
    t.end();
  },
);

void t.test('parsing twice is parsing once, with dimensions and windows', (t) => {
  const named = {
    windows: [
      { a: [1, 2], b: [1, 0] },
      { b: [4, 5, 6], a: [1, 2, 3] },
    ],
    weights: { b: 2 },
  };
  const parsed = parsePatternTask({ ...named, series: { a: [1, 2, 3, 4], b: [4, 3, 2, 1] } });
  t.same(parsePatternTask(parsed), parsed);
  t.match(parsed, {
    windows: [
      [Float64Array.of(1, 2), Float64Array.of(1, 0)],
      [Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6)],
    ],
    weights: Float64Array.of(1, 2),
    exclusion: null,
    k: 2,
  });
  t.end();
});
