import t from 'tap';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { messagesOf, World } from './world.js';

void t.test('the coordinator sends heartbeats on the interval', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 2 });
  agent.ack();
  const client = world.client();
  client.submit();
  client.submit({ delayMs: 1_000_000 });
  agent.takeTasks();
  for (let i = 0; i < 3; i++) {
    agent.heartbeat();
    world.advance(10_000);
  }
  t.match(world.takeType(agent.connectionId, 'HeartbeatMessage'), [
    { sequence: 1, activeTasks: 1, queuedTasks: 0, load: 0.25, memoryBytes: 1000 },
    { sequence: 2 },
    { sequence: 3 },
  ]);
});

void t.test(
  'silence: suspect after two intervals, closed after four, leases requeued after the grace',
  async (t) => {
    const world = new World();
    const agent = world.agent('a1', { concurrency: 2 });
    agent.ack();
    const client = world.client();
    const taskId = client.submit();
    agent.takeTask();
    const state = () => world.core.state.registry.get('a1')?.phase.state;
    world.advance(19_999);
    t.equal(state(), 'connected');
    world.advance(1);
    t.equal(state(), 'suspect');
    client.submit();
    t.strictSame(agent.takeTasks(), [], 'a suspect agent gets no new tasks');
    world.advance(19_999);
    t.equal(state(), 'suspect');
    world.advance(1);
    t.equal(state(), 'disconnected');
    t.match(world.closed.get(agent.connectionId), { error: 'HEARTBEAT_TIMEOUT' });
    t.equal(client.query(taskId).state, 'leased');
    world.advance(59_999);
    t.equal(client.query(taskId).state, 'leased');
    world.advance(1);
    t.match(client.query(taskId), { state: 'queued', attempts: 1 });
    t.equal(state(), undefined);
    t.match(world.stored.at(-1), { op: 'drop-session', agentId: 'a1' });
  },
);

void t.test('a message makes a suspect agent connected again', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  world.advance(25_000);
  client.submit();
  t.strictSame(agent.takeTasks(), []);
  t.equal(world.core.counters.agentsSuspected, 1);
  agent.heartbeat();
  agent.takeTask();
  world.advance(19_999);
  t.equal(world.core.state.registry.get('a1')?.phase.state, 'connected', 'silence counts from there');
  world.advance(1);
  t.equal(world.core.state.registry.get('a1')?.phase.state, 'suspect');
});

void t.test(
  'an agent whose packets arrive is slow, not dead: suspect for hours, it keeps its leases',
  async (t) => {
    for (const how of ['heardAt', 'heard']) {
      const world = new World();
      const agent = world.agent('a1', { concurrency: 2 });
      agent.ack();
      const client = world.client();
      const taskId = client.submit({ timeoutMs: 100_000_000 });
      const lease = agent.takeTask();
      for (let i = 0; i < 720; i++) {
        world.advance(10_000);
        if (how === 'heardAt') world.packets.set(agent.connectionId, world.now);
        else world.turn({ type: 'heard', connectionId: agent.connectionId });
      }
      t.equal(world.core.state.registry.get('a1')?.phase.state, 'suspect');
      client.submit();
      t.strictSame(agent.takeTasks(), [], 'it gets no new tasks');
      t.equal(client.query(taskId).state, 'leased');
      agent.complete(lease);
      t.equal(client.query(taskId).state, 'completed');
      t.equal(agent.takeTasks().length, 1, 'heard again, it works on');
      t.equal(world.core.counters.agentsGivenUp, 0);
    }
  },
);

void t.test('silence counts from the last packet, not from the last look', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.advance(12_345);
  world.packets.set(agent.connectionId, world.now);
  world.advance(39_999);
  t.equal(world.core.state.registry.get('a1')?.phase.state, 'suspect');
  world.advance(1);
  t.match(world.closed.get(agent.connectionId), { error: 'HEARTBEAT_TIMEOUT' });
});

void t.test('a coordinator that was held up gives everybody a fresh interval', async (t) => {
  for (const jump of [8_000, 60_000, 3_600_000, 10 * 365 * 86_400_000]) {
    const world = new World();
    const agents = ['a1', 'a2', 'a3'].map((id) => world.agent(id));
    for (const agent of agents) agent.ack();
    const away = world.agent('a4');
    const { sessionToken } = away.ack();
    const client = world.client();
    for (let i = 0; i < 4; i++) client.submit({ timeoutMs: 2 ** 40 });
    const lease = away.takeTask();
    world.lose(away.connectionId);
    world.advance(9_000);
    // nothing is called for so long, and no packet was read
    world.now += jump;
    world.turn({ type: 'tick' });
    const states = () => [...world.core.state.registry.values()].map(({ phase }) => phase.state);
    t.strictSame(states(), ['connected', 'connected', 'connected', 'disconnected'], `${jump} ms`);
    t.equal(world.core.counters.requeued, 0);
    t.equal(world.logs('the coordinator was held up').length, 1);
    world.advance(14_999);
    t.match(world.agent('a1').errors(), ['AGENT_ID_IN_USE'], 'nor is an id taken over meanwhile');
    world.advance(5_000);
    t.strictSame(states().slice(0, 3), ['connected', 'connected', 'connected']);
    world.advance(1);
    t.strictSame(
      states().slice(0, 3),
      ['suspect', 'suspect', 'suspect'],
      'silence is judged as ever after it',
    );
    world.advance(39_999 - 20_000);
    const back = world.agent('a4', { sessionToken, leases: [lease] });
    t.match(back.ack(), { resumed: true, abortedTasks: [] }, 'the grace started anew as well');
  }
});

void t.test('a clock that jumps back does no harm', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.advance(5_000);
  world.now -= 3_600_000;
  agent.heartbeat();
  world.turn({ type: 'tick' });
  world.client().submit();
  agent.complete(agent.takeTask());
  t.equal(world.core.state.registry.get('a1')?.phase.state, 'connected');
  t.equal(world.agent('a2').ack().resumed, false);
});

void t.test('heartbeats change load, memory and credit', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 1 });
  agent.ack();
  const client = world.client();
  agent.heartbeat({ load: 0.5, memoryBytes: 77, concurrency: 0 });
  client.submit();
  client.submit();
  t.strictSame(agent.takeTasks(), [], 'no credit, no tasks');
  agent.heartbeat({ load: 0.5, memoryBytes: 77, concurrency: 2 });
  t.equal(agent.takeTasks().length, 2);
  const [report] = messagesOf(client.ask({ type: 'QueryAgents', requestId: 9 }), 'AgentsReport');
  t.match(report, {
    requestId: 9,
    agents: [
      {
        agentId: 'a1',
        agentType: 'worker',
        state: 'connected',
        kinds: ['compute'],
        concurrency: 2,
        activeTasks: 2,
        load: 0.5,
        memoryBytes: 77,
        rttMs: null,
        completed: 0,
      },
    ],
  });
});

void t.test('a clean goodbye requeues at once', async (t) => {
  for (const how of ['closed with NO_ERROR', 'drained']) {
    const world = new World();
    const leaving = world.agent('a1');
    leaving.ack();
    const taskId = world.client().submit();
    const lease = leaving.takeTask();
    const other = world.agent('a2');
    other.ack();
    if (how === 'drained') {
      leaving.say({ type: 'DrainNotice', reason: 'SIGTERM', deadlineMs: 1000 });
      t.strictSame(other.takeTasks(), [], 'a draining agent keeps what it has');
    }
    world.lose(leaving.connectionId, how !== 'drained');
    t.match(other.takeTask(), { taskId, epoch: lease.epoch + 1 }, how);
    t.equal(world.core.state.registry.get('a1'), undefined);
  }
});

void t.test('a draining agent gets nothing new and may finish', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 2 });
  agent.ack();
  const client = world.client();
  const first = client.submit();
  const lease = agent.takeTask();
  agent.say({ type: 'DrainNotice', reason: 'SIGTERM', deadlineMs: 1000 });
  const second = client.submit();
  t.strictSame(agent.takeTasks(), []);
  agent.complete(lease);
  t.equal(client.query(first).state, 'completed');
  t.equal(client.query(second).state, 'queued');
  agent.heartbeat();
  t.strictSame(agent.takeTasks(), [], 'a heartbeat does not undo it');
});

void t.test(
  'refused messages are answered, counted, and after too many the connection is closed',
  async (t) => {
    const world = new World();
    const agent = world.agent('a1');
    agent.ack();
    const error = new ProtocolError('BAD_FIELD', 'not a number', {
      messageType: 'TaskProgress',
      field: '/fraction',
    });
    const { connectionId } = agent;
    world.turn({ type: 'protocolError', connectionId, error });
    t.match(world.takeType(connectionId, 'ErrorReport'), [
      { name: 'BAD_FIELD', code: error.code, field: '/fraction' },
    ]);
    for (let i = 0; i < 1_000; i++) world.turn({ type: 'protocolError', connectionId, error });
    t.match(world.closed.get(connectionId), { error: 'TOO_MANY_ERRORS' });
    t.equal(world.core.counters.protocolErrors, 1_001);
    t.equal(world.core.state.registry.get('a1')?.phase.state, 'disconnected');
  },
);

void t.test('a fatal protocol error closes the connection and leaves the leases to the grace', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const taskId = client.submit();
  const { connectionId } = agent;
  world.turn({ type: 'protocolError', connectionId, error: new ProtocolError('FRAME_TOO_LARGE') });
  t.match(world.closed.get(connectionId), { error: 'FRAME_TOO_LARGE' });
  t.equal(client.query(taskId).state, 'leased');
});
