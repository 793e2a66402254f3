import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.js';
import type { StoreOp } from '../../src/store/store.js';
import { storeConformance } from './conformance.js';

storeConformance('memory', () => Promise.resolve(new MemoryStore()));

const finishedTask = (
  taskId: string,
  resultBytes: number,
  idempotencyKey: string | null = null,
): StoreOp[] => [
  {
    op: 'submit',
    spec: {
      taskId,
      kind: 'compute',
      priority: 5,
      timeoutMs: 1000,
      maxAttempts: 3,
      idempotencyKey,
      affinity: null,
      submittedAt: 1,
    },
    input: new Uint8Array(1),
    notBefore: null,
  },
  {
    op: 'lease',
    lease: { taskId, attempt: 1, epoch: 1, agentId: 'a', coordinatorId: 'c', leasedAt: 1, deadlineAt: 2 },
  },
  { op: 'complete', taskId, epoch: 1, finishedAt: 2, runMs: 1, result: new Uint8Array(resultBytes) },
];

const kept = async (store: MemoryStore) =>
  (await store.list({ limit: 100_000 })).map((task) => task.spec.taskId);

void t.test('finished tasks are bounded by number, oldest first', async (t) => {
  const store = new MemoryStore({ finishedTasks: 2 });
  for (const id of ['t1', 't2', 't3']) await store.commit(finishedTask(id, 1, `key-${id}`));
  t.strictSame(await kept(store), ['t3', 't2']);
  const [again] = await store.commit(finishedTask('t4', 1, 'key-t1'));
  t.strictSame(again, { status: 'applied' }, 'the key of a forgotten task is free');
});

void t.test('finished tasks are bounded by the bytes of their results', async (t) => {
  const store = new MemoryStore({ resultBytes: 100 });
  await store.commit([...finishedTask('t1', 60), ...finishedTask('t2', 40)]);
  t.strictSame(await kept(store), ['t2', 't1']);
  await store.commit(finishedTask('t3', 1));
  t.strictSame(await kept(store), ['t3', 't2']);
});

void t.test('thousands of forgotten tasks leave the latest', async (t) => {
  const store = new MemoryStore({ finishedTasks: 3 });
  for (let i = 0; i < 5_000; i++) await store.commit(finishedTask(`t${i}`, 1));
  t.strictSame(await kept(store), ['t4999', 't4998', 't4997']);
});

void t.test('experiences are bounded, oldest first', async (t) => {
  const store = new MemoryStore({ experiences: 2 });
  for (const experienceId of ['e1', 'e2', 'e3']) {
    const outcome = { value: 1, confidence: 1, latencyMs: 1 };
    const experience = {
      experienceId,
      agentId: 'a',
      action: 'x',
      context: {},
      outcome,
      recordedAt: 1,
      receivedAt: 1,
    };
    await store.commit([{ op: 'append-experience', experience }]);
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
