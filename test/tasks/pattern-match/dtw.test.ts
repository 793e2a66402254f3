import fc from 'fast-check';
import t from 'tap';
import { dtw, WarpingCost } from '../../../src/tasks/pattern-match/dtw.js';
import { WorkMeter } from '../../../src/tasks/pattern-match/work-meter.js';
import { cost, exactSeries, near, radius, realSeries, referenceDtw } from './reference.js';

const series = (...points: number[]) => Float64Array.from(points);

void t.test('known distances', (t) => {
  t.equal(dtw(series(0, 0, 1, 2, 1, 0, 1, 0, 0), series(0, 1, 2, 0, 0, 0, 0, 0, 0)), Math.SQRT2);
  t.equal(dtw(series(1, 2, 3), series(1, 2, 2, 3, 4)), 1);
  t.equal(dtw(series(1, 2, 3), series(1, 2, 2, 2, 3)), 0, 'a pause costs nothing');
  t.equal(dtw(series(0), series(3)), 3);
  t.equal(dtw(series(0), series(3, 4)), 5, 'one point is aligned with both');
  t.equal(dtw(series(0), series(3, 4), { cost: 'absolute' }), 7);
  t.end();
});

void t.test('a window limits the shift', (t) => {
  const a = series(0, 0, 0, 1);
  const b = series(1, 0, 0, 0);
  t.equal(dtw(a, b, { window: 0 }), Math.SQRT2, 'radius 0 is the Euclidean distance');
  t.equal(dtw(series(1, 2), series(1, 2, 3, 4), { window: 1 }), Infinity, 'no alignment inside the window');
  t.equal(dtw(series(1, 2), series(1, 2, 3, 4), { window: 2 }), Math.sqrt(5));
  t.end();
});

void t.test('an empty series is refused', (t) => {
  t.throws(() => dtw(series(), series(1)), { name: 'RangeError' });
  t.throws(() => dtw(series(1), series()), { name: 'RangeError' });
  t.end();
});

void t.test('equals the full table', (t) => {
  fc.assert(
    fc.property(exactSeries(), exactSeries(), cost, radius, (a, b, cost, window) =>
      Object.is(dtw(a, b, { cost, window }), referenceDtw(a, b, cost, window)),
    ),
    { numRuns: 1000 },
  );
  t.end();
});

void t.test('symmetric, zero to itself, at most Euclidean, larger in a smaller window', (t) => {
  fc.assert(
    fc.property(realSeries(), realSeries(), cost, radius, (a, b, cost, window) => {
      const distance = dtw(a, b, { cost, window });
      return near(distance, dtw(b, a, { cost, window })) && distance >= dtw(a, b, { cost });
    }),
  );
  fc.assert(fc.property(realSeries(), cost, radius, (a, cost, window) => dtw(a, a, { cost, window }) === 0));
  const pair = fc
    .integer({ min: 1, max: 12 })
    .chain((length) => fc.tuple(realSeries(length, length), realSeries(length, length)));
  fc.assert(
    fc.property(pair, radius, ([a, b], window) => {
      const euclid = Math.sqrt(a.reduce((sum, x, i) => sum + (x - (b[i] ?? NaN)) ** 2, 0));
      const distance = dtw(a, b, { window });
      return distance <= euclid || near(distance, euclid);
    }),
  );
  t.end();
});

void t.test('giving up is exact, and the scratch row carries nothing over', (t) => {
  fc.assert(
    fc.property(
      exactSeries(),
      fc.array(exactSeries(), { minLength: 1, maxLength: 5 }),
      cost,
      radius,
      fc.nat(40),
      (query, candidates, cost, window, bound) => {
        const warping = new WarpingCost(query, cost, window);
        return candidates.every((candidate) => {
          const exact = new WarpingCost(query, cost, window).of(candidate, Infinity);
          const bounded = warping.of(candidate, bound);
          return exact < bound ? bounded === exact : bounded >= bound;
        });
      },
    ),
  );
  t.end();
});

void t.test('a long computation can be stopped from inside', (t) => {
  let pauses = 0;
  const meter = new WorkMeter(() => {
    pauses += 1;
    if (pauses === 3) throw new Error('stop');
  }, 1000);
  const long = new Float64Array(500);
  t.throws(() => new WarpingCost(long, 'squared', null, meter).of(long, Infinity), { message: 'stop' });
  t.equal(pauses, 3);
  t.end();
});
