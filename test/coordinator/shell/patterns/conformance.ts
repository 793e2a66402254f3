import fc from 'fast-check';
import type { Test } from 'tap';
import type { Pattern, PatternOutcome } from '../../../../src/reasoning/patterns/pattern.js';
import { similarityOf } from '../../../../src/reasoning/patterns/pattern.js';
import type { PatternStore } from '../../../../src/reasoning/patterns/pattern-store.js';
import { SHAPE_DIMENSIONS, shapeOf } from '../../../../src/reasoning/patterns/shape.js';
import { SeededRandom } from '../../../../src/numeric/random.js';

export const PATTERNS_KEPT = 40;

/** Stores of one place: what one has kept, the next one finds. */
export interface PatternPlace {
  open(): Promise<PatternStore>;
  leave(): Promise<void>;
}

/** A task id that sorts by its number. */
export const idOf = (number: number) => `task-${String(number).padStart(6, '0')}`;

export function patternOf(
  number: number,
  vector: Float32Array,
  outcome: PatternOutcome | null = null,
): Pattern {
  return {
    taskId: idOf(number),
    agentId: 'agent-1',
    vector,
    points: 20,
    recordedAt: 1_700_000_000_000 + number,
    expected: number / 100,
    confidence: 0.5,
    outcome,
  };
}

/** A random walk's shape. */
export function walk(random: SeededRandom, points = 30): Float32Array {
  let level = 100;
  const series = Float64Array.from({ length: points }, () => (level += random.fraction() - 0.5));
  const shape = shapeOf(series);
  if (shape === null) throw new Error('a walk moves');
  return shape;
}

/** What every pattern store promises. `make`: a new place, whose stores keep PATTERNS_KEPT patterns and any burst. */
export function patternStoreConformance(t: Test, make: () => Promise<PatternPlace>): void {
  const withStore = async (t: Test, run: (store: PatternStore, place: PatternPlace) => Promise<void>) => {
    const place = await make();
    t.teardown(() => place.leave());
    const store = await place.open();
    t.teardown(() => store.close());
    await store.start();
    await run(store, place);
  };

  t.test('finds nothing in an empty store', (t) =>
    withStore(t, async (store) => {
      t.same(await store.search(walk(new SeededRandom(1)), 5), []);
      t.same(await store.counts(), { patterns: 0, withOutcome: 0 });
      t.equal(await store.get(idOf(1)), null);
      store.report(idOf(1), { actual: 1 });
      t.same(await store.counts(), { patterns: 0, withOutcome: 0 }, 'an outcome of nothing is none');
    }),
  );

  t.test('finds the nearest, exactly and in order', (t) =>
    withStore(t, async (store) => {
      const random = new SeededRandom(2);
      const patterns = Array.from({ length: PATTERNS_KEPT }, (_, number) => patternOf(number, walk(random)));
      for (const pattern of patterns) store.put(pattern);
      for (let query = 0; query < 10; query++) {
        const vector = walk(random);
        const wanted = patterns
          .map(({ taskId, vector: other }) => ({ taskId, similarity: similarityOf(vector, other) }))
          .sort((a, b) => b.similarity - a.similarity);
        for (const count of [0, 1, 7, PATTERNS_KEPT, 100]) {
          const found = await store.search(vector, count);
          t.same(
            found.map(({ pattern: { taskId }, similarity }) => ({ taskId, similarity })),
            wanted.slice(0, count),
          );
        }
      }
      const [own] = await store.search(patterns[3]?.vector ?? new Float32Array(0), 1);
      t.equal(own?.pattern.taskId, idOf(3));
      t.ok(Math.abs((own?.similarity ?? 0) - 1) < 1e-6);
    }),
  );

  t.test('of equally similar ones the older comes first', (t) =>
    withStore(t, async (store) => {
      const vector = walk(new SeededRandom(3));
      for (const number of [5, 3, 4]) store.put(patternOf(number, vector));
      const found = await store.search(vector, 2);
      t.same(
        found.map(({ pattern }) => pattern.taskId),
        [idOf(3), idOf(4)],
      );
    }),
  );

  t.test('a pattern put again replaces the one before', (t) =>
    withStore(t, async (store) => {
      const random = new SeededRandom(4);
      const [before, after] = [walk(random), walk(random)];
      store.put(patternOf(1, before));
      store.put(patternOf(1, after));
      t.same(await store.get(idOf(1)), patternOf(1, after));
      const found = await store.search(before, 5);
      t.equal(found.length, 1);
      t.equal(found[0]?.similarity, similarityOf(before, after));
    }),
  );

  t.test('what came of a pattern is said once', (t) =>
    withStore(t, async (store) => {
      const vector = walk(new SeededRandom(5));
      store.put(patternOf(1, vector));
      store.put(patternOf(2, vector));
      store.report(idOf(1), { actual: 0.02 });
      store.report(idOf(1), { value: -1 });
      t.same(await store.get(idOf(1)), patternOf(1, vector, { actual: 0.02 }));
      t.same(await store.counts(), { patterns: 2, withOutcome: 1 });
    }),
  );

  t.test('another store of the place finds what was kept', (t) =>
    withStore(t, async (first, place) => {
      const random = new SeededRandom(6);
      const [one, two, gone] = [walk(random), walk(random), walk(random)];
      first.put(patternOf(1, one));
      first.put(patternOf(2, two));
      await first.flush();
      first.report(idOf(2), { value: 0.25 });
      first.put({ ...patternOf(3, gone), expected: null, confidence: null });
      await first.close();
      const second = await place.open();
      t.teardown(() => second.close());
      const starting = second.start();
      second.report(idOf(1), { actual: -3 });
      await starting;
      t.same(await second.get(idOf(1)), patternOf(1, one, { actual: -3 }), 'reported while it was read');
      t.same(await second.get(idOf(2)), patternOf(2, two, { value: 0.25 }));
      t.same(await second.get(idOf(3)), { ...patternOf(3, gone), expected: null, confidence: null });
      const [found] = await second.search(two, 1);
      t.equal(found?.pattern.taskId, idOf(2));
    }),
  );

  t.test('is bounded: neither those with an outcome nor those without drive out the others', (t) =>
    withStore(t, async (store, place) => {
      const random = new SeededRandom(7);
      const half = PATTERNS_KEPT / 2;
      for (let number = 0; number < half; number++) {
        store.put(patternOf(number, walk(random)));
        store.report(idOf(number), { actual: 1 });
      }
      for (let number = half; number < 3 * PATTERNS_KEPT; number++)
        store.put(patternOf(number, walk(random)));
      t.same(await store.counts(), { patterns: PATTERNS_KEPT, withOutcome: half });
      t.not(await store.get(idOf(0)), null, 'what is known stays');
      t.equal(await store.get(idOf(half)), null, 'the oldest without an outcome has gone');
      const found = await store.search(walk(random), 100);
      t.equal(found.length, PATTERNS_KEPT);
      await store.close();
      const again = await place.open();
      t.teardown(() => again.close());
      await again.start();
      t.same(await again.counts(), { patterns: PATTERNS_KEPT, withOutcome: half }, 'on disk as well');
    }),
  );

  t.test('refuses what is no shape', (t) =>
    withStore(t, async (store) => {
      const good = walk(new SeededRandom(8));
      const bad = [
        good.slice(1),
        new Float32Array(0),
        new Float32Array(SHAPE_DIMENSIONS),
        good.map((value) => 2 * value),
        good.with(3, NaN),
        good.with(0, Infinity),
      ];
      for (const vector of bad) {
        t.throws(() => store.put(patternOf(1, vector)), RangeError);
        await t.rejects(store.search(vector, 1), RangeError);
      }
      t.same(await store.counts(), { patterns: 0, withOutcome: 0 });
    }),
  );

  t.test('any sequence of changes is found as it was made', (t) =>
    withStore(t, async (store) => {
      const random = new SeededRandom(9);
      const shapes = Array.from({ length: 8 }, () => walk(random));
      const change = fc.oneof(
        fc.record({ put: fc.nat({ max: 9 }), shape: fc.nat({ max: 7 }) }),
        fc.record({ report: fc.nat({ max: 9 }) }),
      );
      const expected = new Map<string, Pattern>();
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 20 }), fc.nat({ max: 7 }), async (changes, query) => {
          for (const one of changes) {
            if ('put' in one) {
              const pattern = patternOf(one.put, shapes[one.shape] ?? new Float32Array(0));
              store.put(pattern);
              expected.set(pattern.taskId, pattern);
            } else {
              const known = expected.get(idOf(one.report));
              store.report(idOf(one.report), { actual: 2 });
              if (known?.outcome === null) expected.set(known.taskId, { ...known, outcome: { actual: 2 } });
            }
          }
          const vector = shapes[query] ?? new Float32Array(0);
          const wanted = [...expected.values()]
            .map((pattern) => ({ pattern, similarity: similarityOf(vector, pattern.vector) }))
            .sort((a, b) => b.similarity - a.similarity || (a.pattern.taskId < b.pattern.taskId ? -1 : 1));
          const found = await store.search(vector, 10);
          if (JSON.stringify(found) !== JSON.stringify(wanted)) t.same(found, wanted);
        }),
        { numRuns: 30 },
      );
    }),
  );
}
