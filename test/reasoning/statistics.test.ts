import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../src/numeric/random.js';
import { DecayedMoments } from '../../src/reasoning/statistics/decayed-moments.js';
import { meanInterval, wilson } from '../../src/reasoning/statistics/interval.js';
import { LatencySketch, RELATIVE_ERROR } from '../../src/reasoning/statistics/latency-sketch.js';
import { Moments } from '../../src/reasoning/statistics/moments.js';
import { normalCdf } from '../../src/numeric/normal.js';
import { tQuantile, tTwoSided } from '../../src/reasoning/statistics/student.js';
import { normal } from './support.js';
import { welch } from '../../src/reasoning/statistics/welch.js';

const near = (
  t: { ok(value: boolean, message: string): unknown },
  actual: number,
  expected: number,
  tolerance: number,
  what: string,
) => t.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} should be ${expected}`);

t.test("Student's t has the values of printed tables", async (t) => {
  near(t, tQuantile(0.95, 1), 12.7062, 1e-4, '1 degree');
  near(t, tQuantile(0.95, 10), 2.228139, 1e-5, '10 degrees');
  near(t, tQuantile(0.99, 30), 2.749996, 1e-5, '30 degrees');
  near(t, tQuantile(0.95, 100_000), 1.96, 1e-3, 'many degrees: normal');
  near(t, tTwoSided(0, 5), 1, 1e-9, 'no distance');
  near(t, normalCdf(1.959964), 0.975, 1e-6, 'normal');
  near(t, normalCdf(-3), 0.0013499, 1e-7, 'normal, far down');
});

t.test("Wilson's interval has published values and stays within 0 and 1", async (t) => {
  // Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29
  const cases = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const;
  for (const [successes, trials, low, high] of cases) {
    const found = wilson(successes, trials);
    near(t, found.low, low, 5e-5, `${successes}/${trials} low`);
    near(t, found.high, high, 5e-5, `${successes}/${trials} high`);
  }
  t.same(wilson(0, 0), { low: 0, high: 1 });
});

t.test('moments agree with their definition', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2 }), (values) => {
      const { count, mean, variance } = Moments.of(values);
      const expected = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - expected) ** 2, 0) / (values.length - 1);
      return (
        count === values.length && Math.abs(mean - expected) < 1e-9 && Math.abs(variance - squares) < 1e-6
      );
    }),
  );
});

t.test('decayed moments are those of explicit weights', async () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.5, max: 1, noNaN: true }),
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 50 }),
      (decay, values) => {
        const decayed = new DecayedMoments(decay);
        for (const value of values) decayed.add(value);
        const weights = values.map((_, i) => decay ** (values.length - 1 - i));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const mean = values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0) / total;
        const variance =
          values.reduce((sum, value, i) => sum + (value - mean) ** 2 * (weights[i] ?? 0), 0) / total;
        const concentration = weights.reduce((sum, weight) => sum + weight ** 2, 0) / total ** 2;
        return (
          Math.abs(decayed.mean - mean) < 1e-9 &&
          Math.abs(decayed.variance - variance) < 1e-8 &&
          Math.abs(decayed.concentration - concentration) < 1e-9
        );
      },
    ),
  );
});

t.test('a mean lies in its 95 % interval 95 % of the time', async (t) => {
  const random = new SeededRandom(7);
  let inside = 0;
  for (let round = 0; round < 4_000; round++) {
    const moments = Moments.of(Array.from({ length: 8 }, () => 1 + normal(random)));
    const interval = meanInterval(moments);
    if (interval !== null && interval.low <= 1 && 1 <= interval.high) inside++;
  }
  near(t, inside / 4_000, 0.95, 0.015, 'coverage');
  t.equal(meanInterval(Moments.of([1])), null);
});

t.test('quantiles of the sketch are within the promised error, also without a part of it', async () => {
  const latencies = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(latencies, latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, others, share) => {
      const sketch = new LatencySketch();
      const part = new LatencySketch();
      for (const value of values) sketch.add(value);
      for (const other of others) {
        sketch.add(other);
        part.add(other);
      }
      const sorted = Float64Array.from(values).sort();
      const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
      const found = sketch.quantile(share, part) ?? NaN;
      const restored = new LatencySketch(sketch.plain()).quantile(share, part);
      return Math.abs(found - exact) <= RELATIVE_ERROR * exact * 1.0001 && restored === found;
    }),
  );
});

t.test('the sketch is bounded and takes anything', async (t) => {
  const sketch = new LatencySketch();
  for (const value of [0, -1, NaN, Infinity, 1e-300, 1e300, 5]) sketch.add(value);
  t.ok(sketch.plain().counts.length <= 278, 'buckets');
  t.equal(sketch.count, 7);
  t.equal(new LatencySketch().quantile(0.5), null);
});

t.test("Welch's test agrees with a worked example", async (t) => {
  // https://en.wikipedia.org/wiki/Welch%27s_t-test, first example: t = -2.46 on 25 degrees of freedom
  const a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
  const b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4];
  const { pValue, difference } = welch(Moments.of(a), Moments.of(b));
  near(t, difference, 2.1667, 1e-4, 'difference');
  near(t, pValue, 0.021, 5e-4, 'p-value');
  t.equal(welch(Moments.of([1, 1]), Moments.of([1, 1])).pValue, 1);
  t.equal(welch(Moments.of([1, 1]), Moments.of([2, 2])).pValue, 0);
  t.throws(() => welch(Moments.of([1]), Moments.of([1, 2])), RangeError);
});
