import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { builtInPatterns } from '../../../../src/coordinator/shell/patterns/built-in-patterns.js';
import { systemClock } from '../../../../src/observe/clock.js';
import { silentLog } from '../../../../src/observe/log.js';
import { SeededRandom } from '../../../../src/numeric/random.js';
import { MemoryStore } from '../../../../src/store/memory-store.js';
import { openSqliteStore } from '../../../../src/store/sqlite/sqlite-store.js';
import type { StoreOp } from '../../../../src/store/store.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { idOf, patternOf, PATTERNS_KEPT, patternStoreConformance, walk } from './conformance.js';

const clock = systemClock;

t.test('conformance', (t) => {
  patternStoreConformance(t, () => {
    const store = new MemoryStore();
    return Promise.resolve({
      open: () =>
        Promise.resolve(
          builtInPatterns({ store, clock, log: silentLog, max: PATTERNS_KEPT, burst: Infinity }),
        ),
      leave: () => store.close(),
    });
  });
  t.end();
});

t.test('rows are durable; damaged ones are left out, and said once', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'patterns-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const settings = { directory, durability: 'normal' } as const;
  let store = await openSqliteStore(settings);
  const log = { ...silentLog, warn: (fields: object, message: string) => lines.push({ message, ...fields }) };
  const lines: object[] = [];
  const first = builtInPatterns({ store, clock, log: silentLog });
  await first.start();
  first.put(patternOf(1, walk(new SeededRandom(1))));
  await first.close();
  const put = (key: string, value: Uint8Array): StoreOp => ({
    op: 'put-entry',
    entry: { collection: 'pattern', key, value },
  });
  const [good] = await store.readEntries({ collection: 'pattern', after: null, limit: 1 });
  await store.commit([
    put('cut', (good?.value ?? new Uint8Array(0)).slice(0, 50)),
    put('empty', new Uint8Array(0)),
    put('text', Buffer.from('hello')),
  ]);
  await store.close();
  store = await openSqliteStore(settings);
  const second = builtInPatterns({ store, clock, log });
  await second.start();
  t.same(await second.counts(), { patterns: 1, withOutcome: 0 });
  t.same(lines, [{ message: 'some patterns are damaged and were left out', damaged: 3 }]);
  await second.close();
  await store.close();
});

t.test('changes are written together, once in a while, and again when they could not be', async (t) => {
  const clock = new FakeClock();
  const commits: number[] = [];
  let full = false;
  const inner = new MemoryStore();
  let written: () => void = () => undefined;
  const store = {
    readEntries: inner.readEntries.bind(inner),
    commit: async (ops: readonly StoreOp[]) => {
      commits.push(ops.length);
      queueMicrotask(() => written());
      if (full) throw new Error('disk full');
      return inner.commit(ops);
    },
  };
  const lines: string[] = [];
  const log = { ...silentLog, warn: (_: object, message: string) => void lines.push(message) };
  const patterns = builtInPatterns({ store, clock, log, writeAfterMs: 1_000, burst: 3 });
  t.teardown(() => patterns.close());
  await patterns.start();
  const random = new SeededRandom(1);
  for (let number = 1; number <= 5; number++) patterns.put(patternOf(number, walk(random)));
  t.same(await patterns.counts(), { patterns: 3, withOutcome: 0 }, 'no more of a burst');
  t.same(commits, []);
  const aCommit = () => new Promise<void>((resolve) => (written = resolve));
  full = true;
  let commit = aCommit();
  clock.advance(1_000);
  await commit;
  await patterns.flush();
  t.same(commits, [3, 3], 'what failed is tried again');
  t.same(lines, ['patterns cannot be written; it is tried again'], 'and said once');
  full = false;
  patterns.put(patternOf(6, walk(random)));
  commit = aCommit();
  clock.advance(1_000);
  await commit;
  await patterns.flush();
  t.same(commits, [3, 3, 4]);
  const again = builtInPatterns({ store: inner, clock, log: silentLog });
  t.teardown(() => again.close());
  await again.start();
  t.not(await again.get(idOf(6)), null);
});
