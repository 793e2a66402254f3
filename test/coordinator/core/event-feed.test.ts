import t from 'tap';
import { MAX_NOTICE_EVENTS, MAX_WAITING_EVENTS } from '../../../src/coordinator/core/event-feed.js';
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

t.test('it ends with credit 0 and with the connection; then nothing is told', async (t) => {
  const world = new World();
  const follower = world.client();
  follow(world, follower.connectionId, 5);
  follow(world, follower.connectionId, 0);
  t.equal(world.core.state.feed.isOpen, false);
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

t.test('who begins hears of what was before, the latest of it, and then of what follows', async (t) => {
  const world = new World();
  const submitter = world.client();
  const [first, second] = [submitter.submit(), submitter.submit()];
  const watch = { type: 'WatchEvents', credit: 2, recent: MAX_NOTICE_EVENTS } as const;
  const late = world.client();
  world.say(late.connectionId, { ...watch, requestId: 1 });
  t.match(told(world, late.connectionId), [
    { requestId: 1, dropped: 0, events: [{ event: 'task-submitted', taskId: first }, { taskId: second }] },
  ]);
  submitter.cancel(first);
  t.match(told(world, late.connectionId), [{ events: [{ event: 'task-cancelled', taskId: first }] }]);
  submitter.cancel(second);
  t.same(told(world, late.connectionId), [], 'the first notice was one of the two');
  world.say(late.connectionId, { ...watch, requestId: 2, recent: 1 });
  t.match(
    told(world, late.connectionId).map(({ events }) => events.map(({ taskId }) => taskId)),
    [[second]],
  );
  world.say(late.connectionId, { ...watch, requestId: 3, taskId: 'unknown' });
  t.match(
    told(world, late.connectionId),
    [{ requestId: 3, events: [] }],
    'an empty notice says that it began',
  );
});

t.test('only the latest events are kept, and each as it was then', async (t) => {
  const world = new World();
  const agent = world.agent('a');
  agent.ack();
  const client = world.client();
  const failing = client.submit({ attempts: 1 });
  agent.fail(agent.takeTask(), true);
  const { feed } = world.core.state;
  const others = MAX_NOTICE_EVENTS - 2;
  for (let at = 0; at < others; at++)
    feed.emit({ event: 'agent-heard', at, agentId: 'b', agentType: 'neural' });
  const requestId = 1;
  world.say(client.connectionId, { type: 'WatchEvents', requestId, credit: 9, recent: MAX_NOTICE_EVENTS });
  const [notice] = told(world, client.connectionId);
  t.equal(notice?.events.length, MAX_NOTICE_EVENTS);
  t.match(notice?.events.slice(0, 2), [
    { event: 'task-leased', taskId: failing, attempt: 1, agentId: 'a' },
    { event: 'task-dead', detail: /^[^:]+: / },
  ]);
  t.notOk(notice?.events[0]?.detail);
  t.same(notice?.events.at(-1), { event: 'agent-heard', at: others - 1, agentId: 'b', agentType: 'neural' });
});

t.test('a filter is for what was before and for what comes', async (t) => {
  const world = new World({}, { admit: () => ({ ok: true }) });
  const client = world.client();
  client.submit({ kind: 'other' });
  const one = client.submit();
  const watch = (requestId: number, filter: { kind?: string; taskId?: string; agentId?: string }) =>
    world.say(client.connectionId, { type: 'WatchEvents', requestId, credit: 99, recent: 99, ...filter });
  watch(1, { kind: 'other' });
  watch(2, { taskId: one });
  watch(3, { agentId: 'a' });
  const agent = world.agent('a', { kinds: ['compute', 'other'], concurrency: 1 });
  agent.ack();
  const heard = new Map<number, string[]>();
  for (const { requestId, events } of told(world, client.connectionId)) {
    heard.set(requestId, [...(heard.get(requestId) ?? []), ...events.map(({ event }) => event)]);
  }
  t.same(heard.get(1), ['task-submitted', 'task-leased']);
  t.same(heard.get(2), ['task-submitted']);
  t.same(heard.get(3), ['agent-joined', 'task-leased']);
});
