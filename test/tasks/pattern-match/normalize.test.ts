import fc from 'fast-check';
import t from 'tap';
import { zNormalize, zNormalized } from '../../../src/tasks/pattern-match/normalize.js';
import { exactSeries, near, referenceNormalize } from './reference.js';

void t.test('mean 0 and population deviation 1', (t) => {
  t.same([...zNormalized(Float64Array.of(1, 3))], [-1, 1]);
  t.same([...zNormalized(Float64Array.of(2, 2, 6, 6))], [-1, -1, 1, 1]);
  t.end();
});

void t.test('a constant series is all zeros, also where only rounding moves it', (t) => {
  t.same([...zNormalized(Float64Array.of(7))], [0]);
  t.same([...zNormalized(Float64Array.of(0, 0, 0))], [0, 0, 0]);
  t.same([...zNormalized(Float64Array.of(0.1, 0.1, 0.1))], [0, 0, 0]);
  t.same([...zNormalized(Float64Array.of(0.3, 0.1 + 0.2, 0.3))], [0, 0, 0]);
  t.end();
});

void t.test('small movements far from zero keep their shape', (t) => {
  const normalized = zNormalized(Float64Array.of(1e9 + 1, 1e9, 1e9 + 1, 1e9));
  t.same([...normalized], [1, -1, 1, -1]);
  t.end();
});

void t.test('equals the definition, and level and scale do not count', (t) => {
  fc.assert(
    fc.property(
      exactSeries(),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: -64, max: 64 }),
      (series, scale, level) => {
        const normalized = zNormalized(series);
        const moved = zNormalized(series.map((x) => x * scale + level));
        const expected = referenceNormalize(series);
        return expected.every((x, i) => near(x, normalized[i] ?? NaN) && near(x, moved[i] ?? NaN));
      },
    ),
  );
  t.end();
});

void t.test('a stretch of a series goes to the front of the target', (t) => {
  const target = new Float64Array(4).fill(9);
  zNormalize(Float64Array.of(100, 1, 3, 100), 1, 2, target);
  t.same([...target], [-1, 1, 9, 9]);
  t.end();
});
