import fc from 'fast-check';
import t from 'tap';
import { clusters } from '../../../src/tasks/strategy-correlation/clusters.js';
import { Work } from '../../../src/tasks/strategy-correlation/work.js';
import { near, normals, run } from './reference.js';

type Linkage = 'average' | 'complete' | 'single';
const options = {
  method: 'pearson',
  distance: 'correlation',
  linkage: 'average',
  k: 1,
  threshold: null,
} as const;

void t.test('finds planted groups', (t) => {
  const next = normals(5);
  const markets = Array.from({ length: 3 }, () => Array.from({ length: 250 }, next));
  const groups = [0, 1, 2, 1, 0, 2, 2, 1, 0];
  const strategies = groups.map((group) => (markets[group] ?? []).map((x) => x + 0.5 * next()));
  const byCount = run({ strategies, clusters: { k: 3 } }).clusters;
  t.same(byCount?.labels, Int32Array.from(groups), 'numbered by first appearance');
  const byThreshold = run({ strategies, clusters: { threshold: 1 } }).clusters;
  t.same(byThreshold?.labels, Int32Array.from(groups));
  t.equal(byThreshold?.count, 3);
  t.equal(run({ strategies, clusters: { threshold: 0 } }).clusters?.count, 9);
  t.end();
});

void t.test('opposite strategies belong together by the absolute distance alone', (t) => {
  const next = normals(9);
  const market = Array.from({ length: 100 }, next);
  const strategies = [market, market.map((x) => -x), market.map(next)];
  t.same(
    run({ strategies, clusters: { k: 2, distance: 'absolute' } }).clusters?.labels,
    Int32Array.of(0, 0, 1),
  );
  t.same(run({ strategies, clusters: { k: 2 } }).clusters?.labels, Int32Array.of(0, 1, 0));
  t.end();
});

/** By the definition: the two nearest clusters are merged, again and again. */
function naive(distances: readonly (readonly number[])[], linkage: Linkage): [number, number][] {
  let groups = distances.map((_, index) => [index]);
  const merges: [number, number][] = [];
  const between = (a: readonly number[], b: readonly number[]) => {
    const all = a.flatMap((i) => b.map((j) => distances[i]?.[j] ?? NaN));
    if (linkage === 'average') return all.reduce((sum, x) => sum + x, 0) / all.length;
    return linkage === 'complete' ? Math.max(...all) : Math.min(...all);
  };
  while (groups.length > 1) {
    let best: { a: number[]; b: number[]; distance: number } | undefined;
    for (const a of groups) {
      for (const b of groups.slice(groups.indexOf(a) + 1)) {
        const distance = between(a, b);
        if (best === undefined || distance < best.distance) best = { a, b, distance };
      }
    }
    if (best === undefined) break;
    const { a, b, distance } = best;
    merges.push([distance, a.length + b.length]);
    groups = [...groups.filter((group) => group !== a && group !== b), [...a, ...b]];
  }
  return merges;
}

void t.test('equals merging the two nearest, again and again', (t) => {
  const coefficients = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc
      .uniqueArray(fc.integer({ min: -1e6, max: 1e6 }), {
        minLength: (size * (size - 1)) / 2,
        maxLength: (size * (size - 1)) / 2,
      })
      .map((values) => {
        const rows = Array.from({ length: size }, () => new Float64Array(size).fill(1));
        let next = 0;
        for (let a = 0; a < size; a++) {
          for (let b = a + 1; b < size; b++) {
            const value = (values[next++] ?? 0) / 1e6;
            rows[a]?.fill(value, b, b + 1);
            rows[b]?.fill(value, a, a + 1);
          }
        }
        return rows;
      }),
  );
  fc.assert(
    fc.property(coefficients, fc.constantFrom<Linkage>('average', 'complete', 'single'), (rows, linkage) => {
      const distances = rows.map((row) => Array.from(row, (r) => Math.sqrt(2 * (1 - r))));
      const expected = naive(distances, linkage);
      const { merges } = clusters(rows, { ...options, linkage }, new Work());
      return (
        merges.length === expected.length &&
        expected.every(
          ([distance, size], i) => near(merges[i]?.[2], distance, 1e-12) && merges[i]?.[3] === size,
        )
      );
    }),
  );
  t.end();
});

void t.test('a cut into k has k clusters, also where all are equally far', (t) => {
  const strategies = Array.from({ length: 5 }, () => [1, 2, 3, 4]);
  for (const k of [1, 2, 3, 4, 5]) {
    const found = run({ strategies, clusters: { k } }).clusters;
    t.equal(found?.count, k);
    t.equal(new Set(found?.labels).size, k);
  }
  t.end();
});

void t.test('a strategy without correlations counts as uncorrelated', (t) => {
  const found = run({
    strategies: [
      [1, 2, 3],
      [1, 2, 4],
      [5, 5, 5],
    ],
    clusters: { k: 2 },
  }).clusters;
  t.same(found?.labels, Int32Array.of(0, 0, 1));
  t.ok(near(found?.merges[1]?.[2], Math.SQRT2, 1e-12));
  t.end();
});
