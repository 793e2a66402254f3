import fc from 'fast-check';
import t from 'tap';
import { Buckets, COMMIT_BOUNDS_MS, LATENCY_BOUNDS_MS } from '../../../src/observe/metrics/buckets.js';

t.test('every value is counted once, in the first bucket that holds it', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1, max: 1e6, noNaN: true })), (values) => {
      const buckets = new Buckets(LATENCY_BOUNDS_MS);
      for (const value of values) buckets.observe(value);
      const bounds = [...LATENCY_BOUNDS_MS, Infinity];
      return (
        buckets.count === values.length &&
        bounds.every((bound, index) => {
          const below = index === 0 ? -Infinity : (bounds[index - 1] ?? 0);
          return buckets.counts[index] === values.filter((value) => value <= bound && value > below).length;
        })
      );
    }),
  );
});

t.test('what is no number counts as nothing, and does not spoil the sum', async (t) => {
  const buckets = new Buckets(COMMIT_BOUNDS_MS);
  for (const value of [NaN, -5, 2]) buckets.observe(value);
  t.match(buckets, { sum: 2, count: 3 });
});

t.test('bounds rise', async (t) => {
  for (const bounds of [LATENCY_BOUNDS_MS, COMMIT_BOUNDS_MS])
    t.same(
      bounds,
      [...bounds].sort((a, b) => a - b),
    );
});
