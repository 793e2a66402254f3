import fc from 'fast-check';
import t from 'tap';
import {
  common,
  exactPoint,
  near,
  normals,
  realPoint,
  referenceKendall,
  referenceLcs,
  referencePearson,
  referenceSpearman,
  run,
  table,
} from './reference.js';

const METHODS = ['pearson', 'spearman', 'kendall', 'lcs'] as const;
type Method = (typeof METHODS)[number];

const signs = (x: readonly number[]) => x.map(Math.sign);
const definitions: Record<Method, (x: readonly number[], y: readonly number[]) => number> = {
  pearson: referencePearson,
  spearman: referenceSpearman,
  kendall: referenceKendall,
  lcs: (x, y) => (x.length < 3 ? NaN : referenceLcs(signs(x), signs(y)) / x.length),
};

/** Every pair of rows, each with itself too. */
const pairs = (size: number) =>
  Array.from({ length: size * size }, (_, k) => [Math.floor(k / size), k % size] as const);

const gappy = fc.option(exactPoint, { nil: null, freq: 3 });

void t.test('complete rows: each coefficient is what its definition says', (t) => {
  for (const [point, tolerance] of [
    [exactPoint, 1e-12],
    [realPoint, 1e-7],
  ] as const) {
    fc.assert(
      fc.property(table(point), (strategies) => {
        const { matrix, observations } = run({ strategies, methods: METHODS });
        if (observations !== null) return false;
        return METHODS.every((method) =>
          pairs(strategies.length).every(([a, b]) =>
            near(
              matrix[method]?.[a]?.[b],
              definitions[method](strategies[a] ?? [], strategies[b] ?? []),
              tolerance,
            ),
          ),
        );
      }),
      { numRuns: 100 },
    );
  }
  t.end();
});

void t.test('missing values, by pairs: each pair is what it is without the points that either lacks', (t) => {
  fc.assert(
    fc.property(table(gappy), (strategies) => {
      const found = run({ strategies, methods: METHODS });
      return pairs(strategies.length).every(([a, b]) => {
        const [x, y] = common(strategies[a] ?? [], strategies[b] ?? []);
        if (found.observations !== null && found.observations[a]?.[b] !== x.length) return false;
        const alone = x.length < 3 ? null : run({ strategies: [x, y], methods: METHODS });
        return METHODS.every((method) => {
          const coefficient = found.matrix[method]?.[a]?.[b];
          if (!near(coefficient, definitions[method](x, y), 1e-12)) return false;
          const p = found.pValues[method]?.[a]?.[b] ?? NaN;
          const expected = a === b ? (Number.isNaN(coefficient) ? NaN : 0) : alone?.pValues[method]?.[0]?.[1];
          // Of three points the p-value grows as the root of the coefficient's rounding.
          return near(p, method === 'lcs' ? NaN : (expected ?? NaN), 1e-7);
        });
      });
    }),
    { numRuns: 100 },
  );
  t.end();
});

void t.test('missing values, listwise: as if the points that any lacks had never been', (t) => {
  fc.assert(
    fc.property(table(gappy, 4), (strategies) => {
      const whole = strategies[0]?.map((_, i) => strategies.every((row) => row[i] !== null)) ?? [];
      const kept = strategies.map((row) => row.filter((_, i) => whole[i]));
      const found = run({ strategies, methods: METHODS, missing: 'listwise' });
      if (found.points !== kept[0]?.length) return false;
      return METHODS.every((method) =>
        pairs(strategies.length).every(([a, b]) =>
          near(
            found.matrix[method]?.[a]?.[b],
            definitions[method](kept[a]?.map(Number) ?? [], kept[b]?.map(Number) ?? []),
            1e-12,
          ),
        ),
      );
    }),
    { numRuns: 100 },
  );
  t.end();
});

void t.test('matrices are symmetric, 1 on the diagonal, within their range; p-values too', (t) => {
  const point = fc.option(realPoint, { nil: null, freq: 6 });
  fc.assert(
    fc.property(table(point), (strategies) => {
      const { matrix, pValues } = run({ strategies, methods: METHODS });
      return METHODS.every((method) =>
        pairs(strategies.length).every(([a, b]) => {
          const r = matrix[method]?.[a]?.[b] ?? NaN;
          const p = pValues[method]?.[a]?.[b] ?? NaN;
          const least = method === 'lcs' ? 0 : -1;
          return (
            Object.is(r, matrix[method]?.[b]?.[a]) &&
            (Number.isNaN(r) || (r >= least && r <= 1 && (a !== b || r === 1))) &&
            (Number.isNaN(p) || (p >= 0 && p <= 1 && Object.is(p, pValues[method]?.[b]?.[a])))
          );
        }),
      );
    }),
  );
  t.end();
});

void t.test('scale and level do not count for Pearson, any rising map for the ranks', (t) => {
  const scale = fc.constantFrom(1e-120, 0.25, 3, 1e120);
  fc.assert(
    fc.property(table(exactPoint), scale, fc.integer({ min: -5, max: 5 }), (strategies, factor, shift) => {
      const plain = run({ strategies, methods: ['pearson', 'spearman', 'kendall'] });
      const scaled = strategies.map((row) => row.map((x) => (x + shift) * factor));
      const affine = run({ strategies: scaled, methods: ['pearson'] });
      const cubed = strategies.map((row) => row.map((x) => Math.exp(x) + x ** 3));
      const rising = run({ strategies: cubed, methods: ['spearman', 'kendall'] });
      return pairs(strategies.length).every(
        ([a, b]) =>
          near(affine.matrix.pearson?.[a]?.[b], plain.matrix.pearson?.[a]?.[b], 1e-10) &&
          Object.is(rising.matrix.spearman?.[a]?.[b], plain.matrix.spearman?.[a]?.[b]) &&
          Object.is(rising.matrix.kendall?.[a]?.[b], plain.matrix.kendall?.[a]?.[b]),
      );
    }),
  );
  t.end();
});

void t.test('the order of the strategies does not count', (t) => {
  const shuffled = table(fc.option(exactPoint, { nil: null, freq: 8 })).chain((strategies) =>
    fc.tuple(
      fc.constant(strategies),
      fc.shuffledSubarray([...strategies.keys()], { minLength: strategies.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([strategies, order]) => {
      const plain = run({ strategies, methods: METHODS });
      const other = run({ strategies: order.map((index) => strategies[index]), methods: METHODS });
      return METHODS.every((method) =>
        order.every((from, a) =>
          order.every((to, b) =>
            near(other.matrix[method]?.[a]?.[b], plain.matrix[method]?.[from]?.[to], 1e-13),
          ),
        ),
      );
    }),
  );
  t.end();
});

void t.test('longer than a block, more rows than a tile, and words of every length', (t) => {
  const next = normals(7);
  for (const points of [119, 120, 121, 600]) {
    const strategies = Array.from({ length: 5 }, () =>
      Array.from({ length: points }, () => Math.round(next() * 50) / 50),
    );
    const { matrix } = run({ strategies, methods: METHODS });
    for (const method of METHODS) {
      const wrong = pairs(5).filter(
        ([a, b]) =>
          !near(
            matrix[method]?.[a]?.[b],
            definitions[method](strategies[a] ?? [], strategies[b] ?? []),
            1e-12,
          ),
      );
      t.same(wrong, [], `${method} of ${points}`);
    }
  }
  t.end();
});

void t.test('a constant has no correlation, whatever its level', (t) => {
  const constant = new Array<number>(50).fill(0.1);
  const strategies = [
    constant,
    constant.map((_, i) => i),
    constant.map((_, i) => 2 ** 30 + (i % 2) * 2 ** -22),
  ];
  const { matrix, pValues } = run({ strategies, methods: ['pearson', 'spearman', 'kendall'] });
  for (const method of ['pearson', 'spearman', 'kendall'] as const) {
    t.same(matrix[method]?.[0], Float64Array.of(NaN, NaN, NaN));
    t.same(pValues[method]?.[0], Float64Array.of(NaN, NaN, NaN));
    t.equal(matrix[method]?.[1]?.[1], 1);
  }
  t.ok(Number.isNaN(matrix.pearson?.[1]?.[2]), 'it moves by the last bit alone');
  t.end();
});

void t.test('a level far from zero costs no digits', (t) => {
  const x = [1, 2, 3, 4, 5, 6, 7];
  const y = [10, 9, 2.5, 6, 4, 3, 2];
  const shifted = run({ strategies: [x.map((a) => a + 2 ** 40), y] });
  t.ok(near(shifted.matrix.pearson?.[0]?.[1], -0.828503883588428, 1e-14));
  t.end();
});

void t.test('perfect order is exactly 1 or -1 by Kendall, whatever the length', (t) => {
  for (let length = 3; length < 200; length++) {
    const rising = Array.from({ length }, (_, i) => i);
    const { matrix } = run({
      strategies: [rising, rising.map((i) => i * i), rising.map((i) => -i)],
      methods: ['kendall'],
    });
    t.same(matrix.kendall?.[0], Float64Array.of(1, 1, -1), String(length));
  }
  t.end();
});

void t.test('no p-values when not wanted', (t) => {
  const { pValues } = run({
    strategies: [
      [1, 2, 3],
      [3, 1, 2],
    ],
    methods: METHODS,
    pValues: false,
  });
  t.same(pValues, { pearson: null, spearman: null, kendall: null, lcs: null });
  t.end();
});
