import fc from 'fast-check';
import t from 'tap';
import { sizeOf } from '../../../src/tasks/pattern-match/dtw.js';
import { searchDtw } from '../../../src/tasks/pattern-match/dtw-subsequence.js';
import { comparatorFor } from '../../../src/tasks/pattern-match/metrics.js';
import { zNormalized } from '../../../src/tasks/pattern-match/normalize.js';
import { search, stretchesOf } from '../../../src/tasks/pattern-match/search.js';
import { STATISTICS_ERROR, StretchStatistics } from '../../../src/tasks/pattern-match/stretch-statistics.js';
import { WorkMeter } from '../../../src/tasks/pattern-match/work-meter.js';

/** Steps of very different sizes and stretches without any, at any level: what running sums are bad at. */
const walk = (minLength: number, maxLength: number) =>
  fc
    .tuple(
      fc.constantFrom(0, 1, -250, 1e6, 1e9),
      fc.array(fc.constantFrom(0, 0, 0, 1, -1, 0.25, -0.5, 1e-7, 1e4, -1e4), { minLength, maxLength }),
    )
    .map(([level, steps]) => {
      let value = level;
      return Float64Array.from(steps, (step) => (value += step));
    });

/**
 * A query and a series in which it may occur, at other levels and scales: equal, when normalised, but for rounding. What
 * stands before it may be so large that running sums know little of it.
 */
const occurrence = fc.record({
  before: fc.constantFrom([], [1e5], [3e6, 1]),
  scale: fc.double({ min: 0.01, max: 99, noNaN: true }),
  level: fc.nat(999),
});
const queryAndSeries = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.array(occurrence, { maxLength: 6 }))
  .chain(([length, occurrences]) =>
    fc.tuple(walk(length, length), walk(length, 1500)).map(([query, series]) => {
      const occurs = occurrences.flatMap(({ before, scale, level }) => [
        ...before,
        ...query.map((value) => (value - (query[0] ?? 0)) * scale + level),
      ]);
      return [query, Float64Array.from([...series, ...occurs, ...series.slice(0, 20)])] as const;
    }),
  );

t.test('finds what comparing every stretch in full finds, in the same order', (t) => {
  fc.assert(
    fc.property(
      queryAndSeries,
      fc.boolean(),
      fc.constantFrom('squared', 'absolute'),
      fc.option(fc.nat(12), { nil: null }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(9),
      ([current, series], normalize, cost, window, k, exclusion) => {
        const query = normalize ? zNormalized(current) : current;
        const options = { metric: 'dtw', cost, window, epsilon: 0, delta: null, symbols: 'values' } as const;
        const comparator = comparatorFor(query, options, query.length, new WorkMeter());
        // No bound: every candidate is compared in full.
        const inFull = {
          ...comparator,
          distance: (candidate: Parameters<typeof comparator.distance>[0]) =>
            comparator.distance(candidate, Infinity),
          similarity: () => 0,
        };
        const choice = { k, exclusion, scale: normalize ? sizeOf(query.length, cost) : 0 };
        const stretches = stretchesOf(series, query.length, normalize);
        const expected = search(stretches, inFull, choice, new WorkMeter());
        const found = searchDtw({ query, series, normalize, cost, window, ...choice }, new WorkMeter());
        t.same(found, expected);
      },
    ),
    { numRuns: 400 },
  );
  t.end();
});

t.test('running statistics are right wherever they say so', (t) => {
  fc.assert(
    fc.property(walk(20, 2000), fc.integer({ min: 2, max: 20 }), (series, length) => {
      const statistics = new StretchStatistics(series, length);
      for (let position = 0; position + length <= series.length; position++) {
        statistics.moveTo(position);
        if (!statistics.trusted) continue;
        const stretch = series.subarray(position, position + length);
        const first = stretch[0] ?? 0;
        const mean = stretch.reduce((sum, value) => sum + (value - first), 0) / length;
        const deviation = Math.sqrt(
          stretch.reduce((sum, value) => sum + (value - first - mean) ** 2, 0) / length,
        );
        // The mean matters by the deviation: it is subtracted before dividing.
        const meanError = Math.abs(statistics.mean - first - mean) * statistics.scale;
        if (meanError > STATISTICS_ERROR || Math.abs(statistics.scale * deviation - 1) > STATISTICS_ERROR)
          return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.end();
});
