import t from 'tap';
import { near, run } from './reference.js';

const pair = (method: string, x: readonly number[], y: readonly number[]) => {
  const { matrix, pValues } = run({ strategies: [x, y], methods: [method] });
  const of = (found: Record<string, readonly Float64Array[] | null>) => found[method]?.[0]?.[1] ?? NaN;
  return { coefficient: of(matrix), p: of(pValues) };
};

void t.test(
  "Anscombe's quartet (F. J. Anscombe, The American Statistician 27(1), 1973; R: datasets::anscombe)",
  (t) => {
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const x4 = [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8];
    const quartet: [number[], number[], number, number][] = [
      [x, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68], 0.81642, 0.00217],
      [x, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74], 0.81624, 0.002179],
      [x, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73], 0.81629, 0.002176],
      [x4, [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89], 0.81652, 0.002165],
    ];
    for (const [a, b, r, p] of quartet) {
      const found = pair('pearson', a, b);
      t.ok(Math.abs(found.coefficient - r) < 5e-6, `r = ${r}`);
      t.ok(Math.abs(found.p - p) < 5e-6, `p = ${p}`);
    }
    t.end();
  },
);

void t.test("examples of scipy's documentation", (t) => {
  // scipy.stats.pearsonr
  const pearson = pair('pearson', [1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2]);
  t.ok(near(pearson.coefficient, -0.828503883588428, 1e-14));
  t.ok(near(pearson.p, 0.021280260007523286, 1e-14));
  // scipy.stats.spearmanr
  const spearman = pair('spearman', [1, 2, 3, 4, 5], [5, 6, 7, 8, 7]);
  t.ok(near(spearman.coefficient, 0.8207826816681233, 1e-14));
  t.ok(near(spearman.p, 0.08858700531354381, 1e-14));
  // scipy.stats.kendalltau: ties, so the normal approximation
  const kendall = pair('kendall', [12, 2, 1, 12, 2], [1, 4, 7, 1, 0]);
  t.ok(near(kendall.coefficient, -0.47140452079103173, 1e-14));
  t.ok(near(kendall.p, 0.2827454599327748, 1e-14));
  t.end();
});

void t.test("the example of R's cor.test (Hollander & Wolfe 1973, p. 185: quality of canned tuna)", (t) => {
  const lightness = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1];
  const panel = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8];
  const kendall = pair('kendall', lightness, panel);
  t.ok(Math.abs(kendall.coefficient - 0.4444444) < 5e-8);
  t.ok(Math.abs(kendall.p - 0.1194) < 5e-5);
  const pearson = pair('pearson', lightness, panel);
  t.ok(Math.abs(pearson.coefficient - 0.5711816) < 5e-8);
  t.ok(Math.abs(pearson.p - 0.1082) < 5e-5);
  t.end();
});

void t.test("Wikipedia's example of Spearman's coefficient: IQ and hours of television", (t) => {
  const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
  const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
  const { coefficient, p } = pair('spearman', iq, hours);
  t.ok(near(coefficient, -29 / 165, 1e-15));
  t.ok(Math.abs(p - 0.627188) < 5e-7);
  t.end();
});

void t.test('many ties, against scipy 1.17 (kendalltau, asymptotic)', (t) => {
  const x = Array.from({ length: 60 }, (_, i) => Math.floor(i / 4));
  const y = Array.from({ length: 60 }, (_, i) => ((i * 37) % 61) % 7);
  const { coefficient, p } = pair('kendall', x, y);
  t.ok(near(coefficient, 0.019881683257045146, 1e-13));
  t.ok(near(p, 0.8360221747409664, 1e-13));
  t.end();
});
