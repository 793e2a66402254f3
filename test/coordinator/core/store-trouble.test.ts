import t from 'tap';
import { World } from './world.js';

void t.test('a submit that cannot be stored is refused and leaves nothing behind', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoCommit = false;
  const requestId = client.send({ watch: true, idempotencyKey: 'k' });
  client.send({ idempotencyKey: 'k' });
  client.send({ delayMs: 5 });
  world.failCommit();
  t.match(world.take(client.connectionId), [
    { message: { type: 'ErrorReport', name: 'STORE_UNAVAILABLE', requestId, retryAfterMs: 1_000 } },
    { message: { name: 'STORE_UNAVAILABLE', requestId: 2 } },
  ]);
  t.equal(world.core.state.tasks.size, 1, 'the third was not in the commit that failed');
  client.send();
  t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE', requestId: 4 } }]);
  world.autoCommit = true;
  world.advance(1_000);
  t.match(world.takeType(client.connectionId, 'MessageAck'), [{ requestIds: [3] }]);
  client.submit({ idempotencyKey: 'k' });
});

void t.test(
  'a dispatched task whose submit fails is called back, also when it was done already',
  async (t) => {
    for (const done of [false, true]) {
      const world = new World();
      const agent = world.agent('a1');
      agent.ack();
      const client = world.client();
      world.autoCommit = false;
      client.send({ watch: true });
      const lease = agent.takeTask();
      if (done) agent.complete(lease);
      world.failCommit();
      t.equal(world.core.state.tasks.size, 0);
      const told = world.take(agent.connectionId).map(({ message }) => message);
      if (done) t.match(told, [{ type: 'ErrorReport', name: 'UNKNOWN_TASK', taskId: lease.taskId }]);
      else t.match(told, [{ type: 'CancelTask', taskId: lease.taskId, epoch: 1 }]);
      t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE' } }]);
      world.autoCommit = true;
      world.advance(1_000);
      t.strictSame(
        world.stored.filter((op) => op.op === 'lease' || op.op === 'complete'),
        [],
      );
    }
  },
);

void t.test('a result that cannot be stored is kept and stored later, in its order', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const taskId = client.submit();
  const waiting = client.submit();
  const lease = agent.takeTask();
  world.autoCommit = false;
  agent.complete(lease);
  const next = agent.takeTask();
  world.failCommit();
  agent.complete(next);
  t.strictSame(world.take(agent.connectionId), []);
  t.equal(world.waiting, null, 'the store is left alone for a while');
  world.advance(999);
  t.equal(world.waiting, null);
  world.advance(1);
  world.failCommit();
  world.autoCommit = true;
  world.advance(1_000);
  t.match(world.takeType(agent.connectionId, 'MessageAck'), [
    { status: 'processed', taskIds: [taskId, waiting] },
  ]);
  t.match(world.stored.slice(-3), [
    { op: 'complete', taskId },
    { op: 'lease', lease: { taskId: waiting } },
    { op: 'complete', taskId: waiting },
  ]);
  t.equal(world.core.counters.failedCommits, 2);
});

void t.test('while the store is down nothing is dispatched', async (t) => {
  const world = new World();
  const client = world.client();
  client.submit();
  world.autoCommit = false;
  const agent = world.agent('a1');
  world.failCommit();
  world.advance(1_000);
  world.commit();
  agent.ack();
  t.equal(agent.takeTasks().length, 1);
});

void t.test('a change that the store refuses is not acknowledged', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  client.submit();
  world.decide = (op) => (op.op === 'complete' ? { status: 'conflict', epoch: 9 } : { status: 'applied' });
  agent.complete(agent.takeTask());
  t.match(world.take(agent.connectionId), [{ message: { type: 'ErrorReport', name: 'STALE_LEASE' } }]);
  t.equal(world.core.counters.storeConflicts, 1);
});

void t.test('answers of the store to commits that are not under way are ignored', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoCommit = false;
  client.send();
  world.event({ type: 'committed', commitId: 999, outcomes: [] });
  world.event({ type: 'commitFailed', commitId: 999, reason: 'x' });
  t.strictSame(world.take(client.connectionId), []);
  world.commit();
  t.equal(world.take(client.connectionId).length, 1);
});
