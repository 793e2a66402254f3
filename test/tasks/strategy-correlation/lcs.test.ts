import fc from 'fast-check';
import t from 'tap';
import { lcsLength, positionsOf } from '../../../src/tasks/strategy-correlation/lcs.js';
import { symbolsOf } from '../../../src/tasks/strategy-correlation/symbols.js';
import { normals, referenceLcs, run } from './reference.js';

const options = { symbols: 'threshold', threshold: 0, quantiles: 3, permutations: 0, seed: 1 } as const;

void t.test("equals the table of Wagner and Fischer, across the words' and groups' borders", (t) => {
  const strings = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300 }))
    .chain(([symbols, length]) => {
      const string = fc.array(fc.nat(symbols - 1), { minLength: length, maxLength: length });
      return fc.tuple(fc.constant(symbols), string, string);
    });
  fc.assert(
    fc.property(strings, ([symbols, a, b]) => {
      const carries = new Int32Array(a.length).fill(1);
      const positions = positionsOf(Int32Array.from(a), a.length, symbols);
      return lcsLength(positions, Int32Array.from(b), b.length, carries) === referenceLcs(a, b);
    }),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('down, flat and up by a threshold', (t) => {
  const row = Float64Array.of(-0.02, -0.01, 0, 0.01, 0.011, NaN);
  t.same(symbolsOf(row, options), Int32Array.of(0, 0, 1, 2, 2, -1));
  t.same(symbolsOf(row, { ...options, threshold: 0.01 }), Int32Array.of(0, 1, 1, 1, 2, -1));
  t.end();
});

void t.test('equal parts by quantiles, equal values in the same one', (t) => {
  const quantiles = { ...options, symbols: 'quantiles' } as const;
  t.same(symbolsOf(Float64Array.of(5, 1, 4, 2, 6, 3), quantiles), Int32Array.of(2, 0, 1, 0, 2, 1));
  t.same(symbolsOf(Float64Array.of(1, 1, 1, 1, 9, NaN), quantiles), Int32Array.of(1, 1, 1, 1, 2, -1));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer(), { minLength: 3, maxLength: 50 }),
      fc.integer({ min: 2, max: 3 }),
      (values, parts) => {
        const symbols = symbolsOf(Float64Array.from(values), { ...quantiles, quantiles: parts });
        const sizes = Array.from({ length: parts }, (_, part) => symbols.filter((s) => s === part).length);
        return Math.max(...sizes) - Math.min(...sizes) <= 1 && symbols.every((s) => s >= 0 && s < parts);
      },
    ),
  );
  t.end();
});

void t.test('strategies that are the same but for size are the same string', (t) => {
  const up = [0.01, -0.02, 0.03, 0, -0.01];
  const { matrix, pValues } = run({ strategies: [up, up.map((x) => x * 5)], methods: ['lcs'] });
  t.equal(matrix.lcs?.[0]?.[1], 1);
  t.equal(pValues.lcs, null, 'no p-values without permutations');
  t.end();
});

void t.test('the permutation test tells alike from unlike, and repeats itself', (t) => {
  const next = normals(3);
  const market = Array.from({ length: 200 }, next);
  const strategies = [market, market.map((x) => x + 0.3 * next()), market.map(next)];
  const input = { strategies, methods: ['lcs'], lcs: { permutations: 199, seed: 7 } };
  const { pValues } = run(input);
  t.equal(pValues.lcs?.[0]?.[1], 1 / 200, 'no permutation comes near');
  t.ok((pValues.lcs?.[0]?.[2] ?? 0) > 0.05);
  t.equal(pValues.lcs?.[0]?.[0], 0);
  t.same(run(input).pValues, pValues);
  const other = run({ ...input, lcs: { permutations: 199, seed: 8 } }).pValues;
  t.notSame(other, pValues, 'the seed counts');
  t.end();
});
