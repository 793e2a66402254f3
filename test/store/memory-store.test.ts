import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.js';
import type { StoreOp } from '../../src/store/store.js';
import { storeConformance } from './conformance.js';
import { complete, experience, lease, submit, withKey } from './operations.js';

storeConformance({ name: 'memory', open: () => Promise.resolve(new MemoryStore()) });

const finishedTask = (taskId: string, resultBytes: number, key: string | null = null): StoreOp[] => [
  submit(taskId, key === null ? {} : withKey(key)),
  lease(taskId, 1),
  complete(taskId, 1, 2_500, new Uint8Array(resultBytes)),
];

const kept = async (store: MemoryStore) =>
  (await store.list({ limit: 100_000 })).map((task) => task.spec.taskId);

void t.test('finished tasks are bounded by number, the earliest finished go first', async (t) => {
  const store = new MemoryStore({ finishedTasks: 2 });
  for (const id of ['t1', 't2', 't3']) await store.commit(finishedTask(id, 1, `key-${id}`));
  t.strictSame(await kept(store), ['t3', 't2']);
  const [again] = await store.commit(finishedTask('t4', 1, 'key-t1'));
  t.strictSame(again, { status: 'duplicate', taskId: 't1' }, 'the key outlives the task');
});

void t.test('finished tasks are bounded by their bytes', async (t) => {
  const store = new MemoryStore({ finishedBytes: 100 });
  await store.commit([...finishedTask('t1', 60), ...finishedTask('t2', 40)]);
  t.strictSame(await kept(store), ['t2', 't1']);
  await store.commit(finishedTask('t3', 1));
  t.strictSame(await kept(store), ['t3', 't2']);
});

void t.test('keys are bounded, and those of waiting tasks stay', async (t) => {
  const store = new MemoryStore({ idempotencyKeys: 2 });
  await store.commit([submit('waits', withKey('w'))]);
  for (const id of ['t1', 't2', 't3']) await store.commit(finishedTask(id, 1, `key-${id}`));
  const again = async (key: string) => (await store.commit([submit(`again-${key}`, withKey(key))]))[0];
  t.strictSame(await again('w'), { status: 'duplicate', taskId: 'waits' });
  t.strictSame(await again('key-t3'), { status: 'duplicate', taskId: 't3' });
  t.strictSame(await again('key-t1'), { status: 'applied' });
});

void t.test('thousands of forgotten tasks leave the latest', async (t) => {
  const store = new MemoryStore({ finishedTasks: 3 });
  for (let i = 0; i < 5_000; i++) await store.commit(finishedTask(`t${i}`, 1));
  t.strictSame(await kept(store), ['t4999', 't4998', 't4997']);
});

void t.test('a prune of very many lets others have a turn', async (t) => {
  const store = new MemoryStore({ finishedTasks: 1_000_000 });
  for (let i = 0; i < 25_000; i++) await store.commit(finishedTask(`t${i}`, 1));
  const order: string[] = [];
  const pruned = store.prune({ ageMs: null, tasks: 0, bytes: null }, 1).then((count) => {
    order.push('pruned');
    return count;
  });
  setImmediate(() => order.push('turn'));
  t.equal(await pruned, 25_000);
  t.strictSame(order, ['turn', 'pruned']);
});

void t.test('experiences are bounded, oldest first', async (t) => {
  const store = new MemoryStore({ experiences: 2 });
  for (const id of ['e1', 'e2', 'e3']) {
    await store.commit([{ op: 'append-experience', experience: experience(id) }]);
  }
  t.strictSame(
    (await store.readExperiences({ limit: 10 })).map((one) => one.experienceId),
    ['e3', 'e2'],
  );
});

void t.test('a full store of nonces refuses new ones until old ones expire', async (t) => {
  const store = new MemoryStore({ nonces: 2 });
  const consume = (value: string, expiresAt: number, now: number) =>
    store.consumeNonces([{ value, expiresAt }], now);
  t.strictSame(await consume('a', 100, 0), [true]);
  t.strictSame(await consume('b', 200, 0), [true]);
  t.strictSame(await consume('c', 300, 50), [false], 'full');
  t.strictSame(await consume('c', 300, 100), [true], 'a has expired');
  t.strictSame(await consume('d', 300, 150), [false], 'full again');
  t.strictSame(await consume('b', 200, 150), [false], 'still known');
});
