import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import t from 'tap';
import { plainNode } from '../../../scripts/lib/plain-node.js';
import { dataFiles } from '../../../src/store/sqlite/files.js';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import { StoreError } from '../../../src/store/store.js';
import { APPLIED, applied, complete, counts, lease, recover, submit } from '../operations.js';

const CHILD = fileURLToPath(new URL('./committing-child.js', import.meta.url));

void t.test('what was acknowledged survives kill -9, whole batches only', async (t) => {
  const directory = t.testdir();
  let known = 0;
  for (const kills of [30, 200, 5]) {
    const child = spawn(...plainNode([CHILD, directory]), { stdio: ['ignore', 'pipe', 'inherit'] });
    const acknowledged: number[] = [];
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => {
      acknowledged.push(Number(line));
      if (acknowledged.length === kills) child.kill('SIGKILL');
    });
    await Promise.all([once(child, 'exit'), once(lines, 'close')]);

    const store = await openSqliteStore({ directory, durability: 'full', tuning: { reserveBytes: 0 } });
    try {
      for (const batch of acknowledged) {
        const pair = await store.get([`a${batch}`, `b${batch}`]);
        t.strictSame(
          pair.map((task) => task?.current.state),
          ['completed', 'completed'],
        );
      }
      const states = new Map(
        (await store.list({ limit: 10_000 })).map((task) => [task.spec.taskId, task.current.state]),
      );
      for (const [id, state] of states)
        t.equal(states.get(id.replace('a', 'b')), state, 'both of a pair or none');
      t.ok(states.size >= 2 * acknowledged.length);
      t.ok(states.size >= known, 'nothing of an earlier life is gone');
      const expected: Record<string, number> = {};
      for (const state of states.values()) expected[state] = (expected[state] ?? 0) + 1;
      t.strictSame(await counts(store), expected, 'the totals tell what is there');
      // The child counts from 0 in each life: its next one must find new ids.
      await store.prune({ ageMs: 0, tasks: 0, bytes: null }, 1e6);
      const left = (await recover(store)).tasks.map((task) => task.spec.taskId);
      await store.commit(left.map((id) => complete(id, 1)));
      await store.prune({ ageMs: null, tasks: 0, bytes: null }, 1e6);
      await applied(t, store, [submit(`life${kills}`)]);
      known = (await store.list({ limit: 10 })).length;
    } finally {
      await store.close();
    }
  }
});

void t.test('a thread that dies fails what waits for it, and nothing else', async (t) => {
  const directory = t.testdir();
  const store = await openSqliteStore({ directory, durability: 'full', tuning: { reserveBytes: 0 } });
  t.teardown(() => store.close());
  await applied(t, store, [submit('t1'), lease('t1', 1)]);
  // another writer, so that the thread cannot be done before it dies
  const other = new Database(dataFiles(directory).database);
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const waiting = [
    store.commit([submit('t2')]),
    store.count(),
    store.prune({ ageMs: 0, tasks: 0, bytes: 0 }, 1),
  ];
  const results = Promise.allSettled(waiting);
  const killed = store.killThread();
  other.exec('ROLLBACK');
  await killed;
  for (const result of await results) {
    const reason: unknown = result.status === 'rejected' ? result.reason : null;
    t.ok(
      reason instanceof StoreError &&
        reason.reason === 'UNAVAILABLE' &&
        /the store failed/.test(reason.message),
    );
  }
  t.strictSame(await Promise.all([store.commit([complete('t1', 1)]), store.commit([submit('t3')])]), [
    [APPLIED],
    [APPLIED],
  ]);
  t.equal((await store.get(['t1']))[0]?.current.state, 'completed');
});

void t.test('a batch that makes no sense fails alone', async (t) => {
  const store = await openSqliteStore({
    directory: t.testdir(),
    durability: 'full',
    tuning: { reserveBytes: 0 },
  });
  t.teardown(() => store.close());
  const results = await Promise.allSettled([
    store.commit([submit('t1')]),
    store.commit([submit('t2', { priority: NaN }), submit('t3')]),
    store.commit([submit('t4', { kind: 'x' })]),
  ]);
  t.strictSame(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.strictSame(
    (await store.list({ limit: 9 })).map((task) => task.spec.taskId),
    ['t4', 't1'],
  );
  t.strictSame(await counts(store), { queued: 2 });
});
