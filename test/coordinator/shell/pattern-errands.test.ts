import t from 'tap';
import type { CoreEvent } from '../../../src/coordinator/core/contract.js';
import { PatternErrands } from '../../../src/coordinator/shell/pattern-errands.js';
import { builtInPatterns } from '../../../src/coordinator/shell/patterns/built-in-patterns.js';
import { systemClock } from '../../../src/observe/clock.js';
import { silentLog } from '../../../src/observe/log.js';
import { SeededRandom } from '../../../src/numeric/random.js';
import { MemoryStore } from '../../../src/store/memory-store.js';
import { idOf, patternOf, walk } from './patterns/conformance.js';

/** Errands over a store, and their next answer. */
function errandsOf(store: ReturnType<typeof builtInPatterns> | null) {
  let answered: (event: CoreEvent) => void = () => undefined;
  const errands = new PatternErrands({ store, log: silentLog, answer: (event) => answered(event) });
  const find = (like: { taskId: string } | { vector: Float32Array } | null, count = 2) =>
    new Promise<CoreEvent>((resolve) => {
      answered = resolve;
      errands.carryOut({ type: 'findPatterns', lookupId: 5, like, count });
    });
  return { errands, find };
}

t.test('carries out what the core wants of the patterns', async (t) => {
  const random = new SeededRandom(1);
  const store = builtInPatterns({ store: new MemoryStore(), clock: systemClock, log: silentLog });
  t.teardown(() => store.close());
  await store.start();
  const { errands, find } = errandsOf(store);
  const one = walk(random);
  errands.carryOut({ type: 'keepPattern', pattern: patternOf(1, one) });
  errands.carryOut({ type: 'keepPattern', pattern: patternOf(2, walk(random)) });
  errands.carryOut({ type: 'patternOutcome', taskId: idOf(2), outcome: { actual: 1 } });
  const counts = { patterns: 2, withOutcome: 1 };
  t.same(await find(null), {
    type: 'patternsFound',
    lookupId: 5,
    found: { state: 'found', store: 'built-in', counts, similar: [] },
  });
  t.match(await find({ vector: one }), {
    found: { similar: [{ pattern: { taskId: idOf(1) } }, { pattern: { taskId: idOf(2) } }] },
  });
  const others = await find({ taskId: idOf(1) }, 1);
  t.match(others, { found: { similar: [{ pattern: { taskId: idOf(2) } }] } }, 'not its own');
  t.match(await find({ taskId: 'x' }), { found: { state: 'unknown' } });
  t.match(await find({ vector: new Float32Array(3) }), { found: { state: 'unavailable' } });
});

t.test('without a store nothing is kept, and it is said so', async (t) => {
  const { errands, find } = errandsOf(null);
  errands.carryOut({ type: 'keepPattern', pattern: patternOf(1, walk(new SeededRandom(1))) });
  errands.carryOut({ type: 'patternOutcome', taskId: idOf(1), outcome: { actual: 1 } });
  t.match(await find(null), { found: { state: 'off' } });
});
