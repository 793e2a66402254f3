import fc from 'fast-check';
import t from 'tap';
import { directions, lcsLength } from '../../../src/tasks/pattern-match/lcs.js';
import { CommonSubsequence, lcssLength } from '../../../src/tasks/pattern-match/lcss.js';
import { exactSeries, radius, referenceLcss } from './reference.js';

const series = (...points: number[]) => Float64Array.from(points);
const symbols = (text: string) => Float64Array.from(text, (letter) => letter.charCodeAt(0));
const epsilon = fc.constantFrom(0, 0.5, 1, 3);

void t.test('known lengths', (t) => {
  t.equal(lcsLength(symbols('ABCBDAB'), symbols('BDCABA')), 4);
  t.equal(lcsLength(symbols('AGGTAB'), symbols('GXTXAYB')), 4);
  t.equal(lcsLength(symbols('abc'), symbols('xyz')), 0);
  t.equal(
    lcssLength(series(1, 2, 3, 4), series(1.4, 2.5, 9, 4.6), { epsilon: 0.5 }),
    2,
    'the limit itself matches',
  );
  t.equal(
    lcssLength(series(1, 2, 3), series(0, 0, 1, 2, 3), { epsilon: 0, delta: 1 }),
    0,
    'shifted by more than delta',
  );
  t.equal(lcssLength(series(1, 2, 3), series(0, 0, 1, 2, 3), { epsilon: 0, delta: 2 }), 3);
  t.end();
});

void t.test('equals the recursive definition', (t) => {
  fc.assert(
    fc.property(exactSeries(), exactSeries(), epsilon, radius, (a, b, epsilon, delta) => {
      const length = lcssLength(a, b, { epsilon, delta });
      return length === referenceLcss(a, b, epsilon, delta) && length <= Math.min(a.length, b.length);
    }),
    { numRuns: 1000 },
  );
  t.end();
});

void t.test('symmetric, whole for itself, never less for a wider epsilon or delta', (t) => {
  fc.assert(
    fc.property(exactSeries(), exactSeries(), epsilon, fc.nat(12), (a, b, epsilon, delta) => {
      const length = lcssLength(a, b, { epsilon, delta });
      return (
        length === lcssLength(b, a, { epsilon, delta }) &&
        length <= lcssLength(a, b, { epsilon: epsilon + 0.5, delta }) &&
        length <= lcssLength(a, b, { epsilon, delta: delta + 1 }) &&
        lcssLength(a, a, { epsilon, delta }) === a.length
      );
    }),
  );
  t.end();
});

void t.test('giving up is exact, and the scratch row carries nothing over', (t) => {
  fc.assert(
    fc.property(
      exactSeries(),
      fc.array(exactSeries(), { minLength: 1, maxLength: 5 }),
      epsilon,
      radius,
      fc.nat(12),
      (query, candidates, epsilon, delta, needed) => {
        const common = new CommonSubsequence(query, epsilon, delta);
        return candidates.every((candidate) => {
          const exact = lcssLength(candidate, query, { epsilon, delta });
          const length = common.of(candidate, needed);
          return exact >= needed ? length === exact : length < needed;
        });
      },
    ),
  );
  t.end();
});

void t.test('directions: up, down, flat', (t) => {
  const target = new Float64Array(4);
  directions(series(1, 2, 2.5, 2, 0), 0.5, target);
  t.same([...target], [1, 0, 0, -1]);
  t.end();
});
