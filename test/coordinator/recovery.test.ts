import t from 'tap';
import { RECOVERY_EPOCH_JUMP } from '../../src/coordinator/task.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { World } from './world.js';

/** What the store of a world would give after a crash. */
async function crash(world: World) {
  const store = new MemoryStore();
  await store.commit(world.stored);
  return store.load();
}

void t.test(
  'after a restart queued tasks are dispatched, delayed ones wait, leases are resumed',
  async (t) => {
    const before = new World();
    const old = before.agent('a1', { concurrency: 1 });
    const { sessionToken } = old.ack();
    const client = before.client();
    const leased = client.submit({}, new Uint8Array([1]));
    const queued = client.submit({}, new Uint8Array([2]));
    const delayed = client.submit({ delayMs: 50_000 });
    const lease = old.takeTask();

    const world = new World({}, {}, await crash(before));
    const again = world.client();
    t.equal(again.query(leased).state, 'leased');
    t.equal(again.query(delayed).state, 'delayed');
    const other = world.agent('a2');
    other.ack();
    const task = other.takeTask();
    t.match(task, { taskId: queued, attempt: 1 });
    t.ok(task.epoch > RECOVERY_EPOCH_JUMP, 'no epoch that may have been given out before the crash');
    const back = world.agent('a1', { sessionToken, leases: [lease] });
    t.match(back.ack(), { resumed: true, abortedTasks: [] });
    back.complete(lease);
    t.equal(again.query(leased).state, 'completed');
    other.complete(task);
    back.heartbeat();
    world.advance(10_000);
    back.heartbeat();
    other.heartbeat();
    world.advance(15_000);
    back.heartbeat();
    other.heartbeat();
    world.advance(15_000);
    back.heartbeat();
    world.advance(10_000);
    t.equal(again.query(delayed).state, 'leased');
  },
);

void t.test('a lease whose agent does not come back is requeued after the grace', async (t) => {
  const before = new World();
  before.agent('a1').ack();
  const taskId = before.client().submit();
  const world = new World({}, {}, await crash(before));
  world.advance(60_000);
  const agent = world.agent('a2');
  agent.ack();
  t.match(agent.takeTask(), { taskId, attempt: 2 });
});

void t.test('a lease of a session that is gone is requeued at once', async (t) => {
  const before = new World();
  before.agent('a1').ack();
  const taskId = before.client().submit();
  const recovered = await crash(before);
  const world = new World({}, {}, { ...recovered, sessions: [] });
  t.match(world.stored, [{ op: 'requeue', taskId, epoch: 1, retry: null }]);
  const agent = world.agent('a2');
  agent.ack();
  t.match(agent.takeTask(), { taskId, epoch: 2 });
});

void t.test('a lease whose deadline passed while nobody was there times out', async (t) => {
  const before = new World();
  before.agent('a1').ack();
  const taskId = before.client().submit({ timeoutMs: 1_000, attempts: 1 });
  const world = new World({}, {}, await crash(before));
  world.advance(1_000);
  t.match(world.client().query(taskId), { state: 'dead', error: { name: 'TIMEOUT' } });
});

void t.test('a known idempotency key is known after a restart', async (t) => {
  const before = new World();
  const taskId = before.client().submit({ idempotencyKey: 'k' });
  const world = new World({}, {}, await crash(before));
  t.equal(world.client().submit({ idempotencyKey: 'k' }), taskId);
});
