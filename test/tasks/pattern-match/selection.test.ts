import fc from 'fast-check';
import t from 'tap';
import { type Found, Selection } from '../../../src/tasks/pattern-match/selection.js';

function greedy(distances: readonly number[], k: number, exclusion: number): Found[] {
  const chosen: Found[] = [];
  const order = distances
    .map((distance, position) => ({ position, distance }))
    .sort((a, b) => a.distance - b.distance || a.position - b.position);
  for (const found of order) {
    const apart = chosen.every(({ position }) => Math.abs(position - found.position) >= exclusion);
    if (apart && chosen.length < k) chosen.push(found);
  }
  return chosen;
}

/** What `search` does: a candidate at the bound or more may come with any distance of the bound or more. */
function select(distances: readonly number[], k: number, exclusion: number): Found[] {
  const selection = new Selection(k, exclusion);
  distances.forEach((distance, position) => {
    selection.offer(position, distance < selection.bound ? distance : Infinity);
  });
  return selection.best();
}

void t.test('the best, then the best that is far enough away', (t) => {
  t.same(select([5, 1, 2, 9, 3], 2, 2), [
    { position: 1, distance: 1 },
    { position: 4, distance: 3 },
  ]);
  t.same(
    select([2, 1, 2], 2, 2).map(({ position }) => position),
    [1],
    'the best one pushes out both neighbours: fewer than k are left',
  );
  t.end();
});

void t.test('of equal distances the earlier position', (t) => {
  t.same(
    select([1, 1, 1, 1], 2, 0).map(({ position }) => position),
    [0, 1],
  );
  t.end();
});

void t.test('equals the choice from all distances, whatever the bound left out', (t) => {
  const distances = fc.array(fc.nat(12), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(distances, fc.integer({ min: 1, max: 6 }), fc.nat(8), (distances, k, exclusion) => {
      t.same(select(distances, k, exclusion), greedy(distances, k, exclusion));
    }),
    { numRuns: 2000 },
  );
  t.end();
});

void t.test('a long descent, where every candidate is the best so far', (t) => {
  const distances = Array.from({ length: 20_000 }, (_, i) => 20_000 - i);
  t.same(select(distances, 3, 10), greedy(distances, 3, 10));
  t.end();
});
