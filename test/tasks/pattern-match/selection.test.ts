import fc from 'fast-check';
import t from 'tap';
import { type Choice, equalUpTo, type Found, Selection } from '../../../src/tasks/pattern-match/selection.js';

/** The rule as the page words it. */
function greedy(distances: readonly number[], { k, exclusion, scale }: Choice): Found[] {
  const chosen: Found[] = [];
  let left = distances.map((distance, position) => ({ position, distance }));
  while (chosen.length < k && left.length > 0) {
    const wall = equalUpTo(Math.min(...left.map(({ distance }) => distance)), scale);
    const found = left.find(({ distance }) => distance <= wall);
    if (found === undefined) break;
    chosen.push(found);
    const apart = Math.max(1, exclusion);
    left = left.filter(({ position }) => Math.abs(position - found.position) >= apart);
  }
  return chosen;
}

/** What `search` does: a candidate at the bound or more may come with any distance of the bound or more. */
function select(distances: readonly number[], choice: Choice): Found[] {
  const selection = new Selection(choice);
  distances.forEach((distance, position) => {
    selection.offer(position, distance < selection.bound ? distance : Infinity);
  });
  return selection.best();
}

const choice = (k: number, exclusion: number, scale = 0): Choice => ({ k, exclusion, scale });

void t.test('the best, then the best that is far enough away', (t) => {
  t.same(select([5, 1, 2, 9, 3], choice(2, 2)), [
    { position: 1, distance: 1 },
    { position: 4, distance: 3 },
  ]);
  t.same(
    select([2, 1, 2], choice(2, 2)).map(({ position }) => position),
    [1],
    'the best one pushes out both neighbours: fewer than k are left',
  );
  t.end();
});

void t.test('of equal distances the earlier position', (t) => {
  t.same(
    select([1, 1, 1, 1], choice(2, 0)).map(({ position }) => position),
    [0, 1],
  );
  t.end();
});

void t.test('rounding does not decide: of distances that are equal but for it, the earlier position', (t) => {
  const positions = (distances: readonly number[], chosen: Choice) =>
    select(distances, chosen).map(({ position }) => position);
  t.same(positions([3e-16, 0, 2e-16, 5], choice(3, 0, 1)), [0, 1, 2], 'about 0, by the scale');
  t.same(positions([1e-12, 0], choice(2, 0)), [1, 0], 'without a scale nothing is about 0');
  t.same(positions([2 + 1e-15, 9, 2], choice(2, 0)), [0, 2], 'else by the share');
  t.same(positions([2 + 1e-6, 9, 2], choice(2, 0)), [2, 0]);
  t.same(
    positions([1 + 3e-10, 1 + 2e-10, 9, 9, 1], choice(3, 2)),
    [0, 4, 2],
    'and it may push its neighbour out',
  );
  t.end();
});

void t.test('equals the choice from all distances, whatever the bound left out', (t) => {
  // Steps of a few tenths of what counts as equal: chains of them, which reach further than one.
  const distance = fc
    .tuple(fc.nat(12), fc.nat(12))
    .map(([whole, tenths]) => whole * (1 + tenths * 2e-10) + tenths * 1e-10);
  const distances = fc.array(fc.oneof(fc.nat(12), distance), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      distances,
      fc.integer({ min: 1, max: 6 }),
      fc.nat(8),
      fc.constantFrom(0, 1),
      (distances, k, exclusion, scale) => {
        t.same(
          select(distances, choice(k, exclusion, scale)),
          greedy(distances, choice(k, exclusion, scale)),
        );
      },
    ),
    { numRuns: 2000 },
  );
  t.end();
});

void t.test('a long descent, where every candidate is the best so far', (t) => {
  const distances = Array.from({ length: 20_000 }, (_, i) => 20_000 - i);
  t.same(select(distances, choice(3, 10)), greedy(distances, choice(3, 10)));
  t.same(
    select(
      distances.map((distance) => distance * 1e-14),
      choice(3, 10, 1),
    ).map(({ position }) => position),
    [0, 10, 20],
  );
  t.end();
});
