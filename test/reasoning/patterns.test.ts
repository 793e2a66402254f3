import fc from 'fast-check';
import t from 'tap';
import { PatternBook } from '../../src/reasoning/patterns/pattern-book.js';
import { checkVector, type Pattern, similarityOf } from '../../src/reasoning/patterns/pattern.js';
import { shapeOf } from '../../src/reasoning/patterns/shape.js';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

t.test('a shape has length 1, whatever the series', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e150, max: 1e150, noNaN: true }), { minLength: 0, maxLength: 300 }),
      (series) => {
        const shape = shapeOf(series);
        if (shape !== null) checkVector(shape);
        return shape !== null || new Set(series).size < 2 || series.length < 200 || isFlat(series);
      },
    ),
  );
  /** The means of its pieces differ by rounding only. */
  function isFlat(series: readonly number[]): boolean {
    return Math.max(...series) - Math.min(...series) < 1e-9 * Math.max(...series.map(Math.abs));
  }
});

t.test('level, scale and a change of sign do what they should', async (t) => {
  fc.assert(
    fc.property(
      fc.array(finite, { minLength: 2, maxLength: 200 }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      (series, scale) => {
        const shape = shapeOf(series);
        fc.pre(shape !== null && Math.max(...series) - Math.min(...series) > 1);
        const moved = shapeOf(series.map((value) => scale * value + 1_000));
        const turned = shapeOf(series.map((value) => -value));
        if (moved === null || turned === null) return false;
        return similarityOf(shape, moved) > 0.999 && similarityOf(shape, turned) < -0.999;
      },
    ),
  );
  const rise = shapeOf([1, 2, 3, 4, 5]);
  const slow = shapeOf(Float64Array.from({ length: 500 }, (_, index) => index));
  if (rise === null || slow === null) throw new Error('a rise has a shape');
  t.ok(similarityOf(rise, slow) > 0.999, 'the number of points does not count');
});

t.test('with as many points as the vector has numbers, it is the correlation', async (t) => {
  const series = (seed: number) => Float64Array.from({ length: 64 }, (_, i) => Math.sin(i * seed) + i / 50);
  const [a, b] = [series(0.3), series(0.37)];
  const mean = (of: Float64Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const moments = (x: Float64Array, y: Float64Array) =>
    x.reduce((sum, value, i) => sum + (value - mean(x)) * ((y[i] ?? 0) - mean(y)), 0);
  const correlation = moments(a, b) / Math.sqrt(moments(a, a) * moments(b, b));
  const [one, two] = [shapeOf(a), shapeOf(b)];
  if (one === null || two === null) throw new Error('they have shapes');
  t.ok(Math.abs(similarityOf(one, two) - correlation) < 1e-6);
});

t.test('what does not move has no shape', async (t) => {
  for (const series of [[], [1], [3, 3, 3], new Array<number>(1_000).fill(1e149), [1, 1 + 1e-15]]) {
    t.equal(shapeOf(series), null, `${series.length} points`);
  }
});

t.test('the larger group makes room', async (t) => {
  const shape = shapeOf([1, 2]) ?? new Float32Array(0);
  const pattern = (taskId: string): Pattern => {
    const facts = { agentId: 'a', points: 2, recordedAt: 0, expected: null, confidence: null };
    return { taskId, vector: shape, outcome: null, ...facts };
  };
  const book = new PatternBook(3);
  for (const id of ['1', '2', '3']) t.equal(book.put(pattern(id)), null);
  t.equal(book.put(pattern('4')), '1', 'all wait: the oldest goes');
  book.report('2', { actual: 1 });
  book.report('3', { actual: 1 });
  t.equal(book.report('2', { actual: 2 }), null, 'it has one');
  t.equal(book.put(pattern('5')), '4', 'two wait, two are known: of those that wait');
  book.report('5', { value: 1 });
  t.equal(book.put(pattern('6')), '2', 'three are known: the one known longest');
  t.equal(book.size, 3);
  t.equal(book.withOutcome, 2);
});
