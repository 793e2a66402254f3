import fc from 'fast-check';
import t from 'tap';
import { exactPoint, near, run, table } from './reference.js';

const METHODS = ['pearson', 'spearman', 'kendall', 'lcs'] as const;

void t.test('each window is what it is alone', (t) => {
  const gappy = fc.option(exactPoint, { nil: null, freq: 10 });
  fc.assert(
    fc.property(table(gappy, 4, 20), fc.nat(), fc.integer({ min: 1, max: 5 }), (strategies, size, step) => {
      const points = strategies[0]?.length ?? 0;
      const window = 3 + (size % (points - 2));
      const found = run({ strategies, methods: METHODS, window, step }).rolling;
      const ends = [];
      for (let end = window - 1; end < points; end += step) ends.push(end);
      if (found === null || found.ends.join() !== ends.join()) return false;
      return ends.every((end, index) => {
        const part = strategies.map((row) => row.slice(end - window + 1, end + 1));
        const { matrix } = run({ strategies: part, methods: METHODS });
        return METHODS.every((method) =>
          matrix[method]?.every((row, a) =>
            row.every((value, b) => near(found.matrix[method]?.[index]?.[a]?.[b], value, 1e-12)),
          ),
        );
      });
    }),
    { numRuns: 100 },
  );
  t.end();
});

void t.test('ends are indices of the prices given, windows count returns', (t) => {
  const strategies = [
    [1, 2, 1, 3, 2],
    [5, 4, 5, 6, 5],
  ];
  const { rolling, points } = run({ strategies, transform: 'returns', window: 3 });
  t.equal(points, 4);
  t.same(rolling?.ends, Int32Array.of(3, 4));
  t.equal(rolling?.matrix.pearson?.length, 2);
  t.equal(run({ strategies }).rolling, null);
  t.end();
});
