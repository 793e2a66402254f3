import fc from 'fast-check';
import t from 'tap';
import { searchDtw } from '../../../src/tasks/pattern-match/dtw-subsequence.js';
import { comparatorFor } from '../../../src/tasks/pattern-match/metrics.js';
import { zNormalized } from '../../../src/tasks/pattern-match/normalize.js';
import { search, stretchesOf } from '../../../src/tasks/pattern-match/search.js';
import { StretchStatistics } from '../../../src/tasks/pattern-match/stretch-statistics.js';
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

t.test('finds what comparing every stretch in full finds', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }).chain((length) => fc.tuple(walk(length, length), walk(length, 1500))),
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
        const best = (count: number, apart: number) =>
          search(stretchesOf(series, query.length, normalize), inFull, count, apart, new WorkMeter());
        if (normalize) {
          // stretches that are the same but for rounding have no order
          const all = best(series.length, 0);
          fc.pre(all.every(({ distance }, i) => i === 0 || distance - (all[i - 1]?.distance ?? 0) > 1e-9));
        }
        const expected = best(k, exclusion);
        const found = searchDtw({ query, series, normalize, cost, window, k, exclusion }, new WorkMeter());
        t.same(found, expected);
      },
    ),
    { numRuns: 300 },
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
        if (meanError > 1e-6 || Math.abs(statistics.scale * deviation - 1) > 1e-6) return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.end();
});
