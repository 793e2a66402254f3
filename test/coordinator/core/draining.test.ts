import t from 'tap';
import { World } from './world.js';

const drained = (world: World) => world.actions.filter((action) => action.type === 'drained');

void t.test('draining: everybody is told, nothing new is taken, running work ends', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 1 });
  const { sessionToken } = agent.ack();
  const client = world.client();
  const running = client.submit();
  const waiting = client.submit();
  const lease = agent.takeTask();
  world.turn({ type: 'drain', deadlineMs: 30_000, reason: 'SIGTERM' });
  for (const { connectionId } of [agent, client]) {
    t.match(world.take(connectionId), [
      { message: { type: 'DrainNotice', reason: 'SIGTERM', deadlineMs: 30_000 } },
    ]);
  }
  client.send();
  t.match(world.take(client.connectionId), [{ message: { name: 'DRAINING' } }]);
  const stranger = world.agent('a2');
  t.match(world.closed.get(stranger.connectionId), { error: 'DRAINING' });
  world.lose(agent.connectionId);
  const back = world.agent('a1', { sessionToken, leases: [lease] });
  t.equal(back.ack().resumed, true, 'an agent with work may come back to deliver it');
  t.strictSame(drained(world), []);
  back.complete(lease);
  t.match(drained(world), [{ remaining: 0 }]);
  t.equal(client.query(running).state, 'completed');
  t.equal(client.query(waiting).state, 'queued');
  t.strictSame(back.takeTasks(), []);
  world.turn({ type: 'drain', deadlineMs: 1, reason: 'again' });
  t.equal(drained(world).length, 1);
});

void t.test('the drain waits for the store', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.client().submit();
  const lease = agent.takeTask();
  world.autoCommit = false;
  world.turn({ type: 'drain', deadlineMs: 30_000, reason: 'SIGTERM' });
  agent.complete(lease);
  t.strictSame(drained(world), []);
  world.commit();
  t.match(drained(world), [{ remaining: 0 }]);
});

void t.test('at the deadline the drain is over, and says what remains', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.client().submit();
  world.turn({ type: 'drain', deadlineMs: 5_000, reason: 'SIGTERM' });
  world.advance(4_999);
  t.strictSame(drained(world), []);
  world.advance(1);
  t.match(drained(world), [{ remaining: 1 }]);
});

void t.test('with nothing to wait for, the drain ends at once', async (t) => {
  const world = new World();
  world.client().submit();
  world.turn({ type: 'drain', deadlineMs: 5_000, reason: 'SIGTERM' });
  t.match(drained(world), [{ remaining: 0 }]);
  t.equal(world.core.nextDeadline(), null);
});
