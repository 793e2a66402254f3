import t from 'tap';
import { MAX_WAITING_EVENTS } from '../../../src/coordinator/core/event-feed.js';
import { GRACE_MS, HEARTBEAT_MS, World } from './world.js';

const follow = (world: World, connectionId: string, credit: number, requestId = 99) =>
  world.say(connectionId, { type: 'WatchEvents', requestId, credit });

const told = (world: World, connectionId: string) => world.takeType(connectionId, 'EventNotice');
const names = (world: World, connectionId: string) =>
  told(world, connectionId).flatMap(({ events }) => events.map(({ event }) => event));

t.test('tells the life of a task to who follows, and nothing to others', async (t) => {
  const world = new World();
  const [follower, other] = [world.client(), world.client()];
  follow(world, follower.connectionId, 100);
  const taskId = other.submit({ priority: 7 });
  const agent = world.agent('a');
  const [notice] = told(world, follower.connectionId).slice(-1);
  t.match(notice?.events.at(-1), {
    event: 'task-leased',
    taskId,
    kind: 'compute',
    priority: 7,
    attempt: 1,
    agentId: 'a',
  });
  world.lose(agent.connectionId);
  world.advance(GRACE_MS + 1);
  t.same(names(world, follower.connectionId), ['agent-disconnected', 'task-queued', 'agent-gone']);
  other.cancel(taskId);
  t.same(names(world, follower.connectionId), ['task-cancelled']);
  t.same(told(world, other.connectionId), []);
});

t.test('an agent that is silent is told of as suspect, and as heard again', async (t) => {
  const world = new World();
  const follower = world.client();
  const agent = world.agent('quiet');
  follow(world, follower.connectionId, 100);
  world.advance(2 * HEARTBEAT_MS + 1);
  t.same(names(world, follower.connectionId), ['agent-suspect']);
  agent.heartbeat();
  t.same(names(world, follower.connectionId), ['agent-heard']);
});

t.test('no more notices than credit; what is over the bound is dropped and counted', async (t) => {
  const world = new World();
  const follower = world.client();
  const other = world.client();
  follow(world, follower.connectionId, 1);
  other.submit();
  t.equal(told(world, follower.connectionId).length, 1);
  const more = 100;
  const { feed } = world.core.state;
  for (let at = 0; at < MAX_WAITING_EVENTS + more; at++) feed.emit({ event: 'task-submitted', at });
  world.turn({ type: 'flush' });
  t.equal(told(world, follower.connectionId).length, 0, 'no credit, no notice');
  follow(world, follower.connectionId, 100);
  const notices = told(world, follower.connectionId);
  t.equal(
    notices.reduce((sum, { events }) => sum + events.length, 0),
    MAX_WAITING_EVENTS,
  );
  t.same(
    notices.map(({ dropped }) => dropped).filter((count) => count > 0),
    [more],
  );
  t.equal(notices.at(-1)?.dropped, more, 'it is said after those that came before');
});

t.test('it ends with credit 0 and with the connection; then nothing is kept', async (t) => {
  const world = new World();
  const follower = world.client();
  follow(world, follower.connectionId, 5);
  follow(world, follower.connectionId, 0);
  t.equal(world.core.state.feed.isOpen, false);
  t.equal(world.core.state.tasks.observer, null);
  follow(world, follower.connectionId, 5);
  world.lose(follower.connectionId);
  t.equal(world.core.state.feed.isOpen, false);
});

t.test('the number of those who follow is bounded', async (t) => {
  const world = new World();
  const follower = world.client();
  for (let requestId = 1; requestId <= 256; requestId++) follow(world, follower.connectionId, 1, requestId);
  t.same(world.takeType(follower.connectionId, 'ErrorReport'), []);
  follow(world, follower.connectionId, 1, 1000);
  t.match(world.takeType(follower.connectionId, 'ErrorReport'), [
    { name: 'TOO_MANY_REQUESTS', requestId: 1000 },
  ]);
});
