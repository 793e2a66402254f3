import fc from 'fast-check';
import t from 'tap';
import { WarpingCost } from '../../../src/tasks/pattern-match/dtw.js';
import { endsBound, envelope, envelopeBound } from '../../../src/tasks/pattern-match/lower-bounds.js';
import { cost, exactSeries, radius } from './reference.js';

void t.test('the envelope holds the extremes of the reachable query points', (t) => {
  fc.assert(
    fc.property(exactSeries(), radius, fc.integer({ min: 1, max: 20 }), (query, window, length) => {
      const { lower, upper } = envelope(query, window, length);
      return Array.from({ length }, (_, i) => i).every((i) => {
        const reachable = query.filter((_, j) => window === null || Math.abs(i - j) <= window);
        return lower[i] === Math.min(...reachable) && upper[i] === Math.max(...reachable);
      });
    }),
  );
  t.end();
});

void t.test('no bound is over the warping cost', (t) => {
  fc.assert(
    fc.property(exactSeries(), exactSeries(), cost, radius, (query, candidate, cost, window) => {
      const exact = new WarpingCost(query, cost, window).of(candidate, Infinity);
      const rest = new Float64Array(candidate.length);
      const bound = envelopeBound(envelope(query, window, candidate.length), candidate, cost, Infinity, rest);
      return endsBound(query, candidate, cost) <= exact && bound <= exact;
    }),
    { numRuns: 1000 },
  );
  t.end();
});

void t.test('the rest of the envelope bound falls to what the last point must cost', (t) => {
  const rest = new Float64Array(3);
  const sum = envelopeBound(
    envelope(Float64Array.of(0, 1, 0), 0, 3),
    Float64Array.of(2, 1, 3),
    'squared',
    Infinity,
    rest,
  );
  t.equal(sum, 13);
  t.same([...rest], [13, 9, 9]);
  t.end();
});

void t.test('it stops at the bound', (t) => {
  const sum = envelopeBound(
    envelope(Float64Array.of(0, 0), null, 2),
    Float64Array.of(5, 2),
    'absolute',
    2,
    new Float64Array(2),
  );
  t.equal(sum, 2, 'the first point was not looked at');
  t.end();
});
