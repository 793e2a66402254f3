import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.js';
import { StoreError, type StoreOp } from '../../../src/store/store.js';
import { APPLIED, applied, cancel, complete, counts, lease, recover, submit } from '../operations.js';

const KIB = 1024;

/** Why the last of the batches was refused; they are committed one after the other until one is. */
async function fill(commit: (batch: number) => Promise<unknown>): Promise<StoreError> {
  for (let batch = 0; batch < 10_000; batch++) {
    try {
      await commit(batch);
    } catch (error) {
      if (error instanceof StoreError) return error;
      throw error;
    }
  }
  throw new Error('it never became full');
}

const large = (id: string): StoreOp => submit(id, {}, null, new Uint8Array(16 * KIB).fill(1));

void t.test('a database that may not grow says so, and takes new tasks when old ones are gone', async (t) => {
  const store = await openSqliteStore({
    directory: t.testdir(),
    durability: 'normal',
    tuning: { reserveBytes: 0, maxPages: 300 },
  });
  t.teardown(() => store.close());
  const old = Array.from({ length: 10 }, (_, i) => `old${i}`);
  await applied(t, store, old.map(large));
  await applied(
    t,
    store,
    old.map((id) => cancel(id, 0)),
  );
  let stored = 0;
  const error = await fill(async (batch) => {
    await store.commit([large(`a${batch}`), large(`b${batch}`)]);
    stored++;
  });
  t.equal(error.reason, 'FULL');
  t.match(error.message, /no room .*swarm\.sqlite/);
  t.strictSame(
    await counts(store),
    { cancelled: 10, queued: 2 * stored },
    'nothing of the refused batch is there',
  );
  t.strictSame(await store.get([`a${stored}`, `b${stored}`]), [null, null]);
  await store.prune({ ageMs: null, tasks: 0, bytes: null }, 9_000);
  await applied(t, store, [large('late')]);
});

/** A small file system of its own, or null and why there is none. */
function smallDisk(t: Test, sizeKib: number): string | null {
  const path = mkdtempSync(join(tmpdir(), 'swarm-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    rmSync(path, { recursive: true });
    t.comment(`cannot mount: ${String(error)}`);
    return null;
  }
  t.teardown(() => {
    execFileSync('umount', ['-l', path]);
    rmSync(path, { recursive: true });
  });
  return path;
}

const free = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

const cannotMount =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'mounting a small disk needs root on Linux'
    : false;

void t.test('a full disk', { skip: cannotMount }, async (t) => {
  const disk = smallDisk(t, 16 * KIB);
  if (disk === null) return void t.pass('no small disk here');
  const directory = join(disk, 'data');
  const reserve = join(directory, 'swarm.reserve');
  const filler = join(disk, 'filler');
  const store = await openSqliteStore({ directory, durability: 'full' });
  const running = Array.from({ length: 40 }, (_, i) => `r${i}`);
  await applied(t, store, [...running.map((id) => submit(id)), ...running.map((id) => lease(id, 1))]);
  t.ok(existsSync(reserve), 'room is kept');
  writeFileSync(filler, new Uint8Array(free(disk)));

  const error = await fill((batch) => store.commit([large(`t${batch}`)]));
  t.equal(error.reason, 'FULL');
  t.match(error.message, /no room on the disk of .*swarm\.sqlite/);
  const queued = (await counts(store))['queued'] ?? 0;

  for (const id of running) await applied(t, store, [complete(id, 1)]);
  const mixed = await Promise.allSettled([
    store.commit([large('late')]),
    store.consumeNonces([{ value: 'n', expiresAt: 9 }], 1),
  ]);
  t.strictSame(
    mixed.map(({ status }) => status),
    ['rejected', 'fulfilled'],
    'new tasks are refused, what running ones need is not',
  );

  rmSync(filler);
  await applied(t, store, [large('late')]);
  t.ok(existsSync(reserve), 'room is kept again');
  await store.close();

  const again = await openSqliteStore({ directory, durability: 'full' });
  t.strictSame(await counts(again), { queued: queued + 1, completed: running.length });
  t.equal((await recover(again)).tasks.at(-1)?.spec.taskId, 'late');
  await again.close();
});

void t.test('a disk that is full to the last byte', { skip: cannotMount }, async (t) => {
  const disk = smallDisk(t, 4 * KIB);
  if (disk === null) return void t.pass('no small disk here');
  const filler = join(disk, 'filler');
  const store = await openSqliteStore({
    directory: join(disk, 'data'),
    durability: 'full',
    tuning: { reserveBytes: 0 },
  });
  await applied(t, store, [submit('t1'), lease('t1', 1)]);
  for (let round = 0; round < 3; round++) {
    writeFileSync(filler, new Uint8Array(free(disk)));
    const errors = new Set<string>();
    for (let i = 0; i < 20; i++) {
      await store.commit([large(`t${round}-${i}`)]).catch((error: unknown) => {
        if (error instanceof StoreError) errors.add(error.reason);
      });
    }
    t.ok(errors.has('FULL') && errors.size === 1, [...errors].join());
    rmSync(filler);
    t.strictSame(await store.commit([submit(`again${round}`)]), [APPLIED]);
  }
  await applied(t, store, [complete('t1', 1)]);
  const left = await counts(store);
  await store.close();
  const again = await openSqliteStore({ directory: join(disk, 'data'), durability: 'full' });
  t.strictSame(await counts(again), left);
  await again.close();
});

void t.test('no room for a new store', { skip: cannotMount }, async (t) => {
  const disk = smallDisk(t, 64);
  if (disk === null) return void t.pass('no small disk here');
  writeFileSync(join(disk, 'filler'), new Uint8Array(free(disk)));
  await t.rejects(openSqliteStore({ directory: join(disk, 'data'), durability: 'full' }), {
    name: 'StoreOpenError',
    reason: 'FULL',
  });
});
