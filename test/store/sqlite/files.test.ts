import { existsSync, statSync, writeFileSync } from 'node:fs';
import Database from 'libsql';
import t from 'tap';
import type { Test } from 'tap';
import { dataFiles } from '../../../src/store/sqlite/files.js';
import type { SqliteTuning } from '../../../src/store/sqlite/messages.js';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import {
  applied,
  cancel,
  complete,
  counts,
  experience,
  fail,
  lease,
  requeue,
  submit,
  withKey,
} from '../operations.js';

async function open(
  t: Test,
  tuning: Partial<SqliteTuning> = {},
): Promise<{ store: SqliteStore; database: string }> {
  const directory = t.testdir();
  const store = await openSqliteStore({
    directory,
    durability: 'normal',
    tuning: { reserveBytes: 0, ...tuning },
  });
  t.teardown(() => store.close());
  return { store, database: dataFiles(directory).database };
}

/** Reads as another program would, which knows no more than SQL. */
function ask(database: string, sql: string): unknown[] {
  const reader = new Database(database);
  try {
    return reader.prepare(sql).raw().all();
  } finally {
    reader.close();
  }
}

void t.test('another program reads everything in plain columns', async (t) => {
  const { store, database } = await open(t);
  await applied(t, store, [
    submit('t1', { ...withKey('k'), kind: 'match', affinity: 'x' }),
    submit('t2', {}, 7_000),
    lease('t1', 1),
    requeue('t1', 1, 8_000),
    submit('t3'),
    lease('t3', 1),
    complete('t3', 1, 2_500, new TextEncoder().encode('done')),
    submit('t4'),
    lease('t4', 2),
    fail('t4', 2, 'dead'),
  ]);
  t.strictSame(
    ask(database, 'SELECT task_id, kind, state, idempotency_key, not_before FROM tasks ORDER BY task_id'),
    [
      ['t1', 'match', 'retrying', 'k', 8_000],
      ['t2', 'compute', 'delayed', null, 7_000],
      ['t3', 'compute', 'completed', null, null],
      ['t4', 'compute', 'dead', null, null],
    ],
  );
  t.strictSame(
    ask(database, "SELECT cast(result AS TEXT), input, finished_at FROM tasks WHERE task_id = 't3'"),
    [['done', null, 2_500]],
  );
  t.strictSame(ask(database, "SELECT error ->> 'name', history FROM tasks WHERE task_id = 't4'"), [
    [
      'BOOM',
      '{"event":"submit","at":1000}\n{"event":"lease","at":2000,"attempt":2,"agentId":"a1"}\n' +
        '{"event":"fail","at":2500,"detail":"BOOM: it went \\"wrong\\"\\nat last"}',
    ],
  ]);
  t.strictSame(
    ask(database, 'SELECT state, tasks, bytes FROM totals WHERE tasks > 0 ORDER BY state').length,
    4,
  );
});

void t.test('a reader that takes its time holds up no commit, and sees what it began with', async (t) => {
  const { store, database } = await open(t, { checkpointIdlePages: 10, checkpointMaxPages: 20 });
  await applied(t, store, [submit('t1')]);
  const reader = new Database(database);
  reader.exec('BEGIN');
  const count = reader.prepare('SELECT count(*) FROM tasks').raw();
  t.strictSame(count.get([]), [1]);
  for (let i = 0; i < 100; i++) await applied(t, store, [submit(`x${i}`)]);
  t.strictSame(count.get([]), [1]);
  reader.exec('COMMIT');
  t.strictSame(count.get([]), [101]);
  reader.close();
});

void t.test('the write-ahead log stays short, and is gone at the end', async (t) => {
  const { store, database } = await open(t, { checkpointIdlePages: 50, checkpointMaxPages: 100 });
  const log = `${database}-wal`;
  let longest = 0;
  for (let batch = 0; batch < 100; batch++) {
    const ids = Array.from({ length: 50 }, (_, i) => `t${batch}-${i}`);
    await applied(
      t,
      store,
      ids.map((id) => submit(id)),
    );
    longest = Math.max(longest, statSync(log).size);
  }
  // what may be in it when a batch begins, and the batch
  t.ok(longest < (100 + 100) * 4_200, `${longest} bytes`);
  await store.close();
  t.notOk(existsSync(log));
});

void t.test('the write-ahead log has its size in advance, which a crash leaves in order', async (t) => {
  const directory = t.testdir();
  const opened = () => openSqliteStore({ directory, durability: 'full', tuning: { reserveBytes: 0 } });
  const log = `${dataFiles(directory).database}-wal`;
  const store = await opened();
  const size = statSync(log).size;
  t.ok(size > 8_000_000, `${size} bytes`);
  await applied(t, store, [submit('t1'), lease('t1', 1)]);
  t.equal(statSync(log).size, size, 'it does not grow');
  await store.close();
  t.notOk(existsSync(log));

  // what a crash before the first commit leaves
  writeFileSync(log, new Uint8Array(size));
  const after = await opened();
  t.equal((await after.get(['t1']))[0]?.current.state, 'leased');
  await applied(t, after, [complete('t1', 1)]);
  await after.close();
  t.notOk(existsSync(log));
  t.strictSame(ask(dataFiles(directory).database, 'PRAGMA integrity_check'), [['ok']]);
});

void t.test('room that pruning leaves is used again', async (t) => {
  const { store, database } = await open(t);
  const round = async (name: string) => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `${name}-${1_000 + i}`);
    await applied(
      t,
      store,
      ids.map((id) => submit(id, withKey(id, 2_000))),
    );
    await applied(
      t,
      store,
      ids.map((id) => cancel(id, 0)),
    );
    await store.prune({ ageMs: null, tasks: 0, bytes: null }, 3_000);
    return Number((ask(database, 'PRAGMA page_count')[0] as number[] | undefined)?.[0]);
  };
  const first = await round('r0');
  let last = 0;
  for (let i = 1; i < 6; i++) last = await round(`r${i}`);
  t.ok(last <= first * 1.2, `${first} pages after the first round, ${last} after the last`);
  t.strictSame(await counts(store), {});
  t.strictSame(ask(database, 'SELECT count(*) FROM idempotency_keys'), [[0]], 'expired keys are gone');
});

void t.test('a full table of nonces refuses new ones until old ones expire', async (t) => {
  const { store, database } = await open(t, { nonces: 2 });
  const consume = async (value: string, expiresAt: number, now: number) =>
    (await store.consumeNonces([{ value, expiresAt }], now))[0];
  t.equal(await consume('a', 100, 0), true);
  t.equal(await consume('b', 200, 0), true);
  t.equal(await consume('c', 300, 50), false, 'full');
  t.equal(await consume('c', 300, 100), true, 'a has expired');
  t.equal(await consume('d', 300, 150), false, 'full again');
  t.equal(await consume('b', 200, 150), false, 'still known');
  await store.prune({ ageMs: null, tasks: null, bytes: null }, 10_000_000);
  t.strictSame(ask(database, 'SELECT count(*) FROM nonces'), [[0]], 'those that expired long ago are gone');
});

void t.test('experiences are bounded, oldest first', async (t) => {
  const { store } = await open(t, { experiences: 2 });
  for (const id of ['e1', 'e2', 'e3']) {
    await applied(t, store, [{ op: 'append-experience', experience: experience(id) }]);
  }
  t.strictSame(
    (await store.readExperiences({ limit: 10 })).map((one) => one.experienceId),
    ['e3', 'e2'],
  );
});

void t.test('a long list lets commits through', async (t) => {
  const { store } = await open(t, { listStepRows: 1 });
  const ids = Array.from({ length: 3_000 }, (_, i) => `t${1_000 + i}`);
  await applied(
    t,
    store,
    ids.map((id) => submit(id)),
  );
  const order: string[] = [];
  const list = store
    .list({ limit: 5, kind: 'nobody has it' })
    .then((found) => order.push(`list ${found.length}`));
  const commit = store.commit([submit('new')]).then(() => order.push('commit'));
  await Promise.all([list, commit]);
  t.strictSame(order, ['commit', 'list 0']);
});
