import t from 'tap';
import { AgentDouble, handshake, messagesOf, World } from './world.js';

const NONCE = 'nonce-00000000000000000001';

void t.test(
  'a result for a lease that the store never saw is refused, and the task runs again',
  async (t) => {
    const before = new World();
    const old = before.agent('a1');
    const { sessionToken } = old.ack();
    old.heartbeat({ concurrency: 0 });
    const taskId = before.client().submit();
    before.autoCommit = false;
    old.heartbeat({ concurrency: 1 });
    const lease = old.takeTask();
    t.match(before.waiting?.ops, [{ op: 'lease', lease: { taskId } }]);

    const world = before.restart();
    const agent = world.agent('a1', { sessionToken, leases: [lease] });
    const abortedTasks = [{ taskId, epoch: lease.epoch }];
    t.match(agent.ack(), { resumed: true, abortedTasks }, 'named as no longer its own');
    agent.complete(lease);
    t.strictSame(agent.errors(), ['STALE_LEASE']);
    const again = agent.takeTask();
    t.equal(again.taskId, taskId);
    t.ok(again.epoch > lease.epoch);
    agent.complete(again, new Uint8Array([9]));
    const [update] = world.client().ask({ type: 'QueryTask', requestId: 1, taskId });
    t.match(update, { message: { task: { state: 'completed' } }, payload: new Uint8Array([9]) });
    t.equal(world.core.counters.storeConflicts, 0);
  },
);

void t.test('the grace of recovered sessions starts when agents can come back', async (t) => {
  const before = new World();
  const agent = before.agent('a1');
  const { sessionToken } = agent.ack();
  before.client().submit({ timeoutMs: 1_000_000 });
  const lease = agent.takeTask();
  before.now += 1_000_000;
  const world = before.restart();
  // taking up the tasks takes its time
  world.now += 50_000;
  world.core.recover([], world.now);
  world.turn({ type: 'flush' });
  world.advance(59_999);
  const back = world.agent('a1', { sessionToken, leases: [lease] });
  t.match(back.ack(), { resumed: true, abortedTasks: [] });
});

void t.test('nobody who comes back in the grace loses a lease to an agent that was faster', async (t) => {
  const before = new World();
  const agent = before.agent('a1');
  const { sessionToken } = agent.ack();
  const taskId = before.client().submit({ timeoutMs: 1_000_000 });
  const lease = agent.takeTask();
  const world = before.restart();
  const other = world.agent('a2', { concurrency: 10 });
  other.ack();
  world.advance(50_000);
  other.heartbeat();
  t.strictSame(other.takeTasks(), []);
  world.agent('a1', { sessionToken, leases: [lease] }).complete(lease);
  t.equal(world.client().query(taskId).attempts, 1);
});

void t.test('what was recorded before a crash changes nothing after it', async (t) => {
  for (const crash of ['after the session was stored', 'before the session was stored']) {
    const before = new World();
    const old = before.agent('a1');
    const { sessionToken } = old.ack();
    before.client().submit({ timeoutMs: 1_000_000 });
    const lease = old.takeTask();
    before.lose(old.connectionId);
    const flight = handshake('a1', { sessionToken, nonce: NONCE, leases: [lease] });
    before.autoCommit = crash === 'after the session was stored';
    const connectionId = before.early(flight);
    before.established(connectionId);

    const world = before.restart();
    const session = world.core.state.registry.get('a1');
    const { identity, phase } = session ?? {};
    const stored = world.stored.length;
    for (let i = 0; i < 1_000; i++) {
      t.match(messagesOf(world.take(world.early(flight)), 'ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
    }
    t.equal(session?.identity, identity, crash);
    t.equal(session?.phase, phase);
    t.equal(world.stored.length, stored);
    t.equal(world.core.counters.replaysRefused, 1_000);
    const honest = world.early(flight);
    const agent = new AgentDouble(world, honest, 'a1');
    t.strictSame(agent.errors(), ['EARLY_DATA_REFUSED']);
    world.established(honest);
    agent.say(flight);
    t.match(agent.ack(), { resumed: true, abortedTasks: [] }, 'its AgentAck may have been lost');
  }
});

void t.test('a coordinator that lost its data: refused by name, then a new session', async (t) => {
  const { sessionToken } = new World().agent('a1').ack();
  const world = new World();
  const leases = [{ taskId: 'gone', attempt: 1, epoch: 3 }];
  const agent = world.agent('a1', { sessionToken, leases });
  t.strictSame(agent.errors(), ['SESSION_UNKNOWN']);
  t.match(world.agent('a1', { leases }).ack(), { resumed: false, abortedTasks: leases });
});

void t.test(
  "an agent whose files are older than the coordinator's: refused, then it takes its id back",
  async (t) => {
    const world = new World();
    const first = world.agent('a1');
    const { sessionToken: old } = first.ack();
    world.lose(first.connectionId);
    const second = world.agent('a1', { sessionToken: old });
    second.ack();
    second.heartbeat();
    const taskId = world.client().submit();
    const lease = second.takeTask();
    world.lose(second.connectionId);
    const restored = world.agent('a1', { sessionToken: old });
    t.strictSame(restored.errors(), ['SESSION_UNKNOWN']);
    const afresh = world.agent('a1');
    t.equal(afresh.ack().resumed, false);
    t.match(afresh.takeTask(), { taskId, epoch: lease.epoch + 1 });
  },
);
