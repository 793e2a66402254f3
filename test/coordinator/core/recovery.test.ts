import t from 'tap';
import type { RecoveredTask } from '../../../src/store/records.js';
import { World } from './world.js';

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

    const world = before.restart();
    const again = world.client();
    t.equal(again.query(leased).state, 'leased');
    t.equal(again.query(delayed).state, 'delayed');
    const other = world.agent('a2');
    other.ack();
    const task = other.takeTask();
    t.match(task, { taskId: queued, attempt: 1 });
    t.ok(task.epoch > 1_000_000, 'no epoch that may have been given out before the crash');
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
  const world = before.restart();
  world.advance(60_000);
  const agent = world.agent('a2');
  agent.ack();
  t.match(agent.takeTask(), { taskId, attempt: 2 });
});

void t.test('a lease of a session that is gone is requeued at once', async (t) => {
  const before = new World();
  before.agent('a1').ack();
  const taskId = before.client().submit();
  before.store.sessions.clear();
  const world = before.restart();
  t.match(world.stored, [
    { op: 'requeue', taskId, epoch: 1, why: 'lost', notBefore: null, error: { name: 'AGENT_LOST' } },
  ]);
  const agent = world.agent('a2');
  agent.ack();
  t.match(agent.takeTask(), { taskId, epoch: world.core.state.firstEpoch });
});

void t.test('a lease whose deadline passed while nobody was there times out', async (t) => {
  const before = new World();
  before.agent('a1').ack();
  const taskId = before.client().submit({ timeoutMs: 1_000, attempts: 1 });
  const world = before.restart();
  world.advance(1_000);
  t.match(world.client().query(taskId), { state: 'dead', error: { name: 'TIMEOUT' } });
});

void t.test('a known idempotency key is known after a restart', async (t) => {
  const before = new World();
  const taskId = before.client().submit({ idempotencyKey: 'k' });
  const world = before.restart();
  t.equal(world.client().submit({ idempotencyKey: 'k' }), taskId);
});

function recovered(count: number, current: RecoveredTask['current']): RecoveredTask[] {
  return Array.from({ length: count }, (_, i) => ({
    spec: {
      taskId: `old-${i}`,
      kind: 'compute',
      priority: i % 11,
      timeoutMs: 1_000,
      maxAttempts: 3,
      idempotencyKey: null,
      keyHeldUntil: null,
      affinity: null,
      submittedAt: 1,
    },
    inputBytes: 8,
    epoch: 0,
    attempts: 0,
    agentId: null,
    leasedAt: null,
    current,
  }));
}

void t.test('a cancel after a restart is taken by the store', async (t) => {
  const before = new World();
  const taskId = before.client().submit();
  const world = before.restart();
  t.match(world.client().cancel(taskId), [{ message: { type: 'MessageAck', status: 'processed' } }]);
  t.equal(world.store.get(taskId)?.current.state, 'cancelled');
});

void t.test('two crashes before a lease is stored: no epoch is given out twice', async (t) => {
  let world = new World();
  world.client().submit();
  const epochs = new Set<number>();
  for (let crashes = 0; crashes < 3; crashes++) {
    world = world.restart();
    world.autoCommit = false;
    const agent = world.agent(`a${crashes}`);
    world.commit();
    const [task] = agent.takeTasks();
    if (task !== undefined) epochs.add(task.epoch);
    t.equal(epochs.size, crashes + 1);
  }
});

void t.test('what became due while nobody was there is ready at once', async (t) => {
  const tasks = recovered(3, { state: 'delayed', notBefore: 5 });
  const world = new World({}, {}, { sessions: [], tasks });
  t.strictSame(world.core.state.ready.size, 3);
  t.equal(world.core.nextDeadline(), null);
});

void t.test('very many deadlines at once are handled some at a time', async (t) => {
  const world = new World();
  const due = world.now + 10;
  world.core.recover(recovered(10_000, { state: 'delayed', notBefore: due }), world.now);
  const steps: number[] = [];
  for (let left = 10_000; left > 0; left = 10_000 - world.core.state.ready.size) {
    world.core.handle({ type: 'tick' }, due);
    steps.push(world.core.state.ready.size);
    if (steps.length > 10) break;
    if (world.core.state.ready.size < 10_000) t.equal(world.core.nextDeadline(), due, 'again at once');
  }
  t.strictSame(steps, [4_096, 8_192, 10_000]);
});

void t.test(
  'inputs of recovered tasks count for the bound of the queue, though they are not in memory',
  async (t) => {
    const world = new World({ maxQueueBytes: 90 });
    world.core.recover(recovered(10, { state: 'queued' }), world.now);
    t.equal(world.core.state.tasks.cachedBytes, 0);
    const client = world.client();
    client.submit({}, new Uint8Array(10));
    client.send({}, new Uint8Array(1));
    t.match(world.take(client.connectionId), [
      { message: { name: 'QUEUE_FULL', message: /90 of 90 bytes/ } },
    ]);
  },
);
