import t from 'tap';
import { EXACT_BELOW, KendallTest } from '../../../src/tasks/strategy-correlation/kendall-distribution.js';
import { normalTwoSided } from '../../../src/numeric/normal.js';
import { CorrelationTest } from '../../../src/tasks/strategy-correlation/student.js';
import { near, relativelyNear } from './reference.js';

void t.test('the normal distribution, to ten digits and more', (t) => {
  // Tails Q(z) of Abramowitz & Stegun, tables 26.1 and 26.2, as many digits as they print.
  const table: [number, number, number][] = [
    [0, 0.5, 0],
    [1, 0.15865525393146, 1e-14],
    [1.5, 0.06680720126886, 1e-14],
    [2, 0.02275013194818, 1e-14],
    [3, 0.0013498980316301, 1e-15],
    [5, 2.8665157187919e-7, 1e-20],
  ];
  for (const [z, q, digits] of table) {
    t.ok(Math.abs(normalTwoSided(z) / 2 - q) <= digits, `z = ${z}`);
  }
  // erfc(z / sqrt 2), computed to 40 digits with mpmath 1.3; both sides of each seam of the approximations.
  const exact: [number, number][] = [
    [0.1, 0.920344325445942],
    [0.5, 0.6170750774519738],
    [0.67, 0.5028577901906203],
    [0.68, 0.49650446090714107],
    [1.96, 0.04999579029644087],
    [5.65, 1.6044783701327027e-8],
    [5.66, 1.513729950399544e-8],
    [8, 1.2441921148543568e-15],
    [20, 5.5072482372124675e-89],
    [37, 1.1451142445049154e-299],
  ];
  for (const [z, p] of exact) {
    t.ok(relativelyNear(normalTwoSided(z), p, 1e-13), `z = ${z}`);
    t.equal(normalTwoSided(-z), normalTwoSided(z));
  }
  t.equal(normalTwoSided(Infinity), 0);
  t.ok(Number.isNaN(normalTwoSided(NaN)));
  t.end();
});

void t.test('the test of a correlation by t, to ten digits and more', (t) => {
  // Quantiles of Student's t as tables print them (NIST/SEMATECH e-Handbook, 1.3.6.7.2): two-sided p, df, t.
  const table: [number, number, number][] = [
    [0.05, 1, 12.706],
    [0.05, 2, 4.303],
    [0.05, 10, 2.228],
    [0.01, 10, 3.169],
    [0.002, 30, 3.385],
    [0.1, 100, 1.66],
  ];
  for (const [p, df, quantile] of table) {
    const r = quantile / Math.sqrt(df + quantile ** 2);
    t.ok(relativelyNear(new CorrelationTest(df + 2).pValue(r), p, 2e-3), `t = ${quantile}, df = ${df}`);
  }
  // I(1 - r²; (n - 2) / 2, 1/2), computed to 40 digits with mpmath 1.3: n, r, p.
  const exact: [number, number, number][] = [
    [3, 0.5, 0.6666666666666666],
    [4, 0.9, 0.1],
    [5, -0.3, 0.6238376647810729],
    [10, 0.632, 0.049951112184977164],
    [30, 0.361, 0.050004705745366584],
    [100, 0.05, 0.6212899778453027],
    [100, 0.999, 4.420504874743609e-134],
    [253, 0.2, 0.0013847468654734428],
    [402, 0.1, 0.04509410713707978],
    [403, 0.098, 0.04930323979986108],
    [1000, 0.0001, 0.9974800273921638],
    [2500, 0.03, 0.13372133052463134],
    [2500, 0.9, 0],
    [100000, 0.01, 0.0015651897452783157],
    [1000000, 0.002, 0.04550031788729118],
  ];
  for (const [n, r, p] of exact) {
    const tolerance = n > 10_000 ? 1e-10 : 1e-12;
    t.ok(relativelyNear(new CorrelationTest(n).pValue(r), p, tolerance), `n = ${n}, r = ${r}`);
  }
  const test = new CorrelationTest(20);
  t.equal(test.pValue(0), 1);
  t.equal(test.pValue(1), 0);
  t.equal(test.pValue(-1), 0);
  t.ok(Number.isNaN(test.pValue(NaN)));
  t.ok(Number.isNaN(new CorrelationTest(2).pValue(1)), 'two points say nothing');
  let last = 1;
  for (let r = 0; r <= 1; r += 1 / 512) {
    const p = test.pValue(r);
    t.ok(p <= last && p >= 0, `falls as r grows: ${r}`);
    last = p;
  }
  t.end();
});

void t.test('the exact distribution of Kendall equals all permutations counted', (t) => {
  const test = new KendallTest();
  const noTies = { pairs: 0, triples: 0, weighted: 0 };
  const of = (count: number, discordant: number) =>
    test.pValue({ count, discordant, tiesX: noTies, tiesY: noTies, tiedInBoth: 0 });
  for (const count of [3, 4, 5, 6, 7]) {
    const inversions = permutations(count).map(inversionsOf);
    const pairs = (count * (count - 1)) / 2;
    for (let discordant = 0; discordant <= pairs; discordant++) {
      const fewer = Math.min(discordant, pairs - discordant);
      const share = inversions.filter((k) => k <= fewer).length / inversions.length;
      t.ok(near(of(count, discordant), Math.min(1, 2 * share), 1e-14), `${discordant} of ${pairs}`);
    }
  }
  // scipy 1.17, kendalltau(method='exact').
  t.ok(near(of(30, (435 * (1 - 0.1310344827586207)) / 2), 0.3206742435468077, 1e-12));
  t.ok(near(of(49, (1176 * (1 + 0.040816326530612235)) / 2), 0.6869323106863674, 1e-12));
  t.equal(EXACT_BELOW, 50);
  t.end();
});

function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, place) => [
      ...shorter.slice(0, place),
      count - 1,
      ...shorter.slice(place),
    ]),
  );
}

function inversionsOf(list: readonly number[]): number {
  return list.reduce((sum, x, i) => sum + list.slice(i + 1).filter((y) => y < x).length, 0);
}
