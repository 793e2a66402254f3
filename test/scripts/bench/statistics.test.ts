import fc from 'fast-check';
import t from 'tap';
import { latency, median, percentile } from '../../../scripts/bench/lib/statistics.js';

void t.test('percentiles by nearest rank', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.same(latency(hundred), { p50Ms: 50, p99Ms: 99 });
  t.equal(percentile(hundred, 0), 1);
  t.equal(percentile(hundred, 1), 100);
  t.equal(percentile([7], 0.99), 7);
  t.throws(() => percentile([], 0.5), RangeError);
  t.end();
});

void t.test('a percentile is a value that enough of the others do not exceed', (t) => {
  const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (samples, share) => {
      const value = percentile(samples, share);
      const atMost = samples.filter((sample) => sample <= value).length;
      const below = samples.filter((sample) => sample < value).length;
      return samples.includes(value) && atMost >= share * samples.length && below < share * samples.length;
    }),
  );
  t.end();
});

void t.test('medians of odd and even counts', (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.throws(() => median([]), RangeError);
  t.end();
});
