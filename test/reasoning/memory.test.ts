import fc from 'fast-check';
import t from 'tap';
import type { Context } from '../../src/reasoning/experience.js';
import { plainDistiller } from '../../src/reasoning/memory/distiller.js';
import { DIMENSIONS, embed } from '../../src/reasoning/memory/embedding.js';
import { normalized } from '../../src/reasoning/unit-vector.js';
import type { MemoryDraft, MemoryItem } from '../../src/reasoning/memory/item.js';
import { DEFAULT_MEMORY, Memory } from '../../src/reasoning/memory/memory.js';
import { ExactIndex } from '../../src/reasoning/memory/nearest-index.js';
import { SeededRandom } from '../../src/numeric/random.js';
import type { Verdict } from '../../src/reasoning/verdict.js';
import { anExperience, normal } from './support.js';

const DAY_MS = 86_400_000;

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

t.test('vectors have length 1, and like circumstances have like vectors', async (t) => {
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.boolean());
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), value), (kind, context) => {
      const vector = embed(kind, context);
      return vector.length === DIMENSIONS && Math.abs(cosine(vector, vector) - 1) < 1e-5;
    }),
  );
  const at = (points: number, metric = 'dtw') => embed('pattern-match', { points, metric });
  t.ok(cosine(at(1_000), at(1_010)) > 0.98);
  t.ok(cosine(at(1_000), at(1_010)) > cosine(at(1_000), at(1_500)));
  t.ok(cosine(at(1_000), at(1_500)) > cosine(at(1_000), at(1_000_000)));
  t.ok(cosine(at(1_000), at(1_000, 'lcs')) < 0.95);
  t.ok(
    cosine(at(1_000), embed('compute', { points: 1_000, metric: 'dtw' })) < cosine(at(1_000), at(9, 'lcs')),
  );
});

t.test(
  'the index finds what comparing with everything finds, whatever was deleted and replaced',
  async () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true });
    const vectors = fc.array(number, { minLength: 4, maxLength: 4 });
    const steps = fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 20 }).map(String),
        vector: fc.oneof(fc.constant(null), vectors),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, vectors, fc.integer({ min: 0, max: 25 }), (list, query, count) => {
        const index = new ExactIndex(4);
        const known = new Map<string, Float32Array>();
        for (const { id, vector } of list) {
          if (vector === null) {
            index.delete(id);
            known.delete(id);
          } else {
            index.set(id, Float32Array.from(vector));
            known.set(id, Float32Array.from(vector));
          }
        }
        const wanted = Float32Array.from(query);
        const expected = [...known]
          .map(([id, vector]) => ({ id, similarity: cosine(vector, wanted) }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, count);
        const found = index.search(wanted, count);
        return (
          index.size === known.size &&
          found.length === expected.length &&
          found.every(({ similarity }, i) => {
            const best = Math.min(1, Math.max(-1, expected[i]?.similarity ?? NaN));
            return Math.abs(similarity - best) < 1e-6;
          }) &&
          new Set(found.map(({ id }) => id)).size === found.length
        );
      }),
    );
  },
);

t.test('of equal ones the one set first comes first; another length is refused', async (t) => {
  const index = new ExactIndex(2);
  const vector = Float32Array.of(1, 0);
  for (const id of ['a', 'b', 'c', 'd']) index.set(id, vector);
  index.delete('a');
  t.same(
    index.search(vector, 2).map(({ id }) => id),
    ['b', 'c'],
  );
  t.throws(() => index.set('e', Float32Array.of(1)), RangeError);
});

t.test('10,000 vectors of 64 are searched in the time of that many products', async (t) => {
  const random = new SeededRandom(1);
  const index = new ExactIndex(DIMENSIONS);
  const vector = () => normalized(Float32Array.from({ length: DIMENSIONS }, () => normal(random)));
  for (let n = 0; n < 10_000; n++) index.set(String(n), vector());
  const times = Array.from({ length: 15 }, () => {
    const startedAt = performance.now();
    index.search(vector(), 5);
    return performance.now() - startedAt;
  }).sort((a, b) => a - b);
  t.ok((times[0] ?? Infinity) < 20, `best of 15: ${times[0]?.toFixed(2)} ms`);
});

function draft(context: Context, given: Partial<MemoryDraft> = {}): MemoryDraft {
  return {
    title: 'title',
    description: 'description',
    content: 'content',
    kind: 'k',
    learnedFrom: 'success',
    context,
    sources: ['1', '2'],
    ...given,
  };
}

/** A memory and what is stored of it. */
function aMemory(options: Partial<typeof DEFAULT_MEMORY> = {}) {
  const memory = new Memory({ ...DEFAULT_MEMORY, ...options });
  const stored = new Map<string, MemoryItem>();
  const changed = (id: string, item: MemoryItem | null) => {
    if (item === null) stored.delete(id);
    else stored.set(id, item);
  };
  let ids = 0;
  const learn = (given: MemoryDraft, now = 0) => memory.learn(given, () => `memory-${++ids}`, now, changed);
  const same = () =>
    JSON.stringify([...memory.items].sort(byId)) === JSON.stringify([...stored.values()].sort(byId));
  return { memory, changed, learn, stored, same };
}

function byId(a: MemoryItem, b: MemoryItem): number {
  return a.memoryId < b.memoryId ? -1 : 1;
}

t.test('the lessons recalled are of the kind, the most fitting first', async (t) => {
  const { memory, learn, changed, same } = aMemory();
  learn(draft({ points: 1_000 }, { title: 'near' }));
  learn(draft({ points: 100_000 }, { title: 'far' }));
  learn(draft({ points: 1_000 }, { title: 'other kind', kind: 'l' }));
  const recalled = memory.recall('k', { points: 1_050 }, 5, 10, changed);
  t.same(
    recalled.map(({ item }) => item.title),
    ['near', 'far'],
  );
  t.ok((recalled[0]?.similarity ?? 0) > (recalled[1]?.similarity ?? 1));
  t.equal(recalled[0]?.item.uses, 1);
  t.ok(same(), 'what is stored is what is known');
  t.equal(memory.recall('k', { points: 1_050 }, 1, 10, changed).length, 1);
});

t.test('lessons that say the same become one; success and failure stay apart', async (t) => {
  const { memory, learn, same } = aMemory();
  learn(draft({ points: 1_000 }));
  const twin = learn(draft({ points: 1_001 }, { sources: ['2', '3'], content: 'newer' }), 5);
  t.equal(memory.size, 1);
  t.same(twin.sources, ['1', '2', '3']);
  t.equal(twin.evidence, 3, 'experience 2 counts once');
  t.equal(twin.content, 'newer');
  t.ok(Math.abs(cosine(Float32Array.from(twin.vector), Float32Array.from(twin.vector)) - 1) < 1e-5);
  learn(draft({ points: 1_000 }, { learnedFrom: 'failure' }));
  t.equal(memory.size, 2);
  t.ok(same());
});

t.test('memory is bounded: the least worth goes; what is never used is forgotten in time', async (t) => {
  const { memory, learn, changed, same } = aMemory({ maxItems: 20 });
  const useful = learn(draft({ useful: 'yes' }, { sources: Array.from({ length: 30 }, (_, n) => `u${n}`) }));
  for (let n = 0; n < 200; n++) learn(draft({ [`name${n}`]: `value${n}`, more: n }), n);
  t.ok(memory.size <= 20, String(memory.size));
  t.ok([...memory.items].some(({ memoryId }) => memoryId === useful.memoryId));
  t.ok(same());
  memory.age(100 * DAY_MS, changed);
  t.same(
    [...memory.items].map(({ memoryId }) => memoryId),
    [useful.memoryId],
    'two experiences are worth less than a half',
  );
  memory.recall('k', { useful: 'yes' }, 1, 100 * DAY_MS, changed);
  memory.age(200 * DAY_MS, changed);
  t.equal(memory.size, 1, 'use keeps it young');
  memory.age(900 * DAY_MS, changed);
  t.equal(memory.size, 0);
  t.ok(same());
});

t.test('texts from a distiller are cut to their bounds', async (t) => {
  const { learn } = aMemory();
  const long = 'x'.repeat(10_000);
  const sources = Array.from({ length: 1_000 }, (_, n) => String(n));
  const item = learn(draft({}, { title: long, description: long, content: long, sources }));
  t.same(
    [item.title.length, item.description.length, item.content.length, item.sources.length],
    [128, 512, 4_096, 32],
  );
});

t.test('the built-in distiller says what went wrong, with whom, and what they had in common', async (t) => {
  const verdict = (score: number): Verdict => ({
    experienceId: 'e',
    agentId: 'slow',
    kind: 'pattern-match',
    score,
    parts: { quality: 0, speed: -0.8, calibration: null, reliability: 0 },
    confidence: 1,
    judge: 'built-in',
    shouldAdapt: false,
    suggestions: [],
    judgedAt: 0,
  });
  const judged = [900, 1_000, 1_100].map((points, n) => ({
    experience: anExperience({ experienceId: `e${n}`, agentId: 'slow', context: { metric: 'dtw', points } }),
    verdict: verdict(-0.3),
  }));
  const batch = { kind: 'pattern-match', context: 'metric=dtw', learnedFrom: 'failure' as const, judged };
  const [lesson] = plainDistiller(batch);
  t.equal(lesson?.title, 'pattern-match (metric=dtw): avoid slow agents');
  t.match(lesson?.content, /Check slow: 3 of the 3/);
  t.match(lesson?.content, /metric = dtw/);
  t.same(lesson?.context, { metric: 'dtw', points: 1_000 });
  t.same(lesson?.sources, ['e0', 'e1', 'e2']);
  t.same(plainDistiller(batch), [lesson], 'the same every time');
});
