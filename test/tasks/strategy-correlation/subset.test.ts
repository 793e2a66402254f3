import fc from 'fast-check';
import t from 'tap';
import { leastCorrelated } from '../../../src/tasks/strategy-correlation/subset.js';
import { Work } from '../../../src/tasks/strategy-correlation/work.js';
import { near, normals, run } from './reference.js';

const measures = { absolute: Math.abs, signed: (r: number) => r };

function combinations(size: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: Math.max(0, size - from) }, (_, i) => from + i).flatMap((first) =>
    combinations(size, k - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

function mean(rows: readonly Float64Array[], members: readonly number[], of: (r: number) => number): number {
  const values = members.flatMap((a, i) => members.slice(i + 1).map((b) => of(rows[a]?.[b] ?? NaN)));
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function symmetric(size: number, next: () => number): Float64Array[] {
  const rows = Array.from({ length: size }, () => new Float64Array(size).fill(1));
  for (let a = 0; a < size; a++) {
    for (let b = a + 1; b < size; b++) {
      const value = next();
      rows[a]?.fill(value, b, b + 1);
      rows[b]?.fill(value, a, a + 1);
    }
  }
  return rows;
}

const ids = (size: number) => Array.from({ length: size }, (_, index) => `s${index}`);

void t.test('is the best of all subsets', (t) => {
  const input = fc.integer({ min: 2, max: 11 }).chain((size) =>
    fc.record({
      rows: fc
        .array(fc.double({ min: -1, max: 1, noNaN: true }), {
          minLength: size * size,
          maxLength: size * size,
        })
        .map((values) => symmetric(size, () => values.pop() ?? 0)),
      k: fc.integer({ min: 2, max: size }),
      measure: fc.constantFrom('absolute' as const, 'signed' as const),
    }),
  );
  fc.assert(
    fc.property(input, ({ rows, k, measure }) => {
      const found = leastCorrelated(ids(rows.length), rows, { k, method: 'pearson', measure }, new Work());
      const best = Math.min(
        ...combinations(rows.length, k).map((members) => mean(rows, members, measures[measure])),
      );
      const members = [...found.indices];
      return (
        found.search === 'exact' &&
        new Set(members).size === k &&
        members.every((member, i) => i === 0 || member > (members[i - 1] ?? NaN)) &&
        found.strategyIds.join() === members.map((member) => `s${member}`).join() &&
        near(found.mean ?? NaN, best, 1e-12) &&
        near(mean(rows, members, measures[measure]), best, 1e-12)
      );
    }),
    { numRuns: 300 },
  );
  t.end();
});

void t.test('finds one of each planted group, and proves that it is the best', (t) => {
  const next = normals(21);
  const markets = Array.from({ length: 5 }, () => Array.from({ length: 300 }, next));
  const strategies = Array.from({ length: 40 }, (_, i) =>
    (markets[i % 5] ?? []).map((x) => x + 0.4 * next()),
  );
  const { subset } = run({ strategies, subset: 5 });
  t.equal(subset?.search, 'exact');
  t.same(new Set(Array.from(subset?.indices ?? [], (index) => index % 5)), new Set([0, 1, 2, 3, 4]));
  t.end();
});

void t.test('too many to prove: says so, is the same each time, and no exchange helps', (t) => {
  const next = normals(2);
  const size = 60;
  const rows = symmetric(size, () => Math.tanh(next()));
  const choose = () =>
    leastCorrelated(ids(size), rows, { k: 20, method: 'pearson', measure: 'absolute' }, new Work());
  const found = choose();
  t.equal(found.search, 'greedy-swap');
  t.same(choose(), found);
  const members = [...found.indices];
  const others = Array.from(rows.keys()).filter((index) => !members.includes(index));
  for (const out of members) {
    for (const into of others) {
      const exchanged = members.map((member) => (member === out ? into : member));
      t.ok(mean(rows, exchanged, Math.abs) >= (found.mean ?? NaN) - 1e-9);
    }
  }
  t.end();
});

void t.test('a strategy without correlations is never chosen', (t) => {
  const strategies = [
    [1, 2, 3, 4],
    [7, 7, 7, 7],
    [1, 2, 3, 5],
    [2, 1, 1, 2],
  ];
  t.same(run({ strategies, subset: 3 }).subset?.indices, Int32Array.of(0, 2, 3));
  t.match(run({ strategies, subset: 4 }).subset, { strategyIds: [], indices: new Int32Array(0), mean: null });
  t.end();
});
