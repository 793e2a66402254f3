import t from 'tap';
import { handshake, messagesOf, World } from './world.js';

void t.test('an agent joins: stored first, then AgentAck with streams and configuration', async (t) => {
  const world = new World();
  world.autoCommit = false;
  const agent = world.agent('a1', { concurrency: 4 });
  t.strictSame(world.take(agent.connectionId), [], 'nothing is said before the session is stored');
  t.match(world.waiting?.ops, [{ op: 'put-session', session: { agentId: 'a1', concurrency: 4 } }]);
  world.commit();
  const ack = agent.ack();
  t.match(ack, {
    protocolVersion: 1,
    coordinatorId: 'c1',
    sessionToken: 'token-1',
    resumed: false,
    abortedTasks: [],
    configuration: { heartbeatIntervalMs: 10_000, sessionGraceMs: 60_000 },
  });
  t.strictSame(
    ack.assignedStreams.map((stream) => stream.purpose),
    ['control', 'tasks-high', 'tasks-normal', 'tasks-low', 'bulk'],
  );
  t.notOk(JSON.stringify(world.stored).includes(ack.sessionToken), 'the token itself is not stored');
});

void t.test('the first message is a handshake, or the connection is closed', async (t) => {
  const world = new World();
  const connectionId = world.connect();
  world.say(connectionId, { type: 'QueryStatus', requestId: 1 });
  t.match(world.take(connectionId), [{ message: { type: 'ErrorReport', name: 'UNEXPECTED_MESSAGE' } }]);
  t.match(world.closed.get(connectionId), { error: 'UNEXPECTED_MESSAGE' });
  world.say(connectionId, handshake('a1'));
  t.equal(world.core.state.registry.size, 0, 'a closed connection is not listened to');
});

void t.test(
  'a connection that says nothing is closed after ten seconds; one that has spoken is not',
  async (t) => {
    const world = new World();
    const silent = world.connect();
    const agent = world.agent('a1');
    world.advance(9_999);
    t.equal(world.closed.size, 0);
    world.advance(1);
    t.match(world.closed.get(silent), { error: 'HANDSHAKE_TIMEOUT' });
    t.equal(world.closed.has(agent.connectionId), false);
  },
);

void t.test('a second handshake on one connection is refused and the session goes on', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  agent.say(handshake('a2'));
  t.strictSame(agent.errors(), ['UNEXPECTED_MESSAGE']);
  t.equal(world.closed.size, 0);
  t.ok(world.core.state.registry.get('a1'));
});

void t.test('versions: the best common one, or a refusal', async (t) => {
  const world = new World();
  t.equal(world.agent('a1', { protocolVersions: [7, 1] }).ack().protocolVersion, 1);
  const agent = world.agent('a2', { protocolVersions: [7, 8] });
  t.match(world.closed.get(agent.connectionId), { error: 'UNSUPPORTED_VERSION' });
  const client = world.connect();
  world.say(client, { type: 'ClientHandshake', protocolVersions: [9], clientId: 'c', software: 'x' });
  t.match(world.closed.get(client), { error: 'UNSUPPORTED_VERSION' });
});

void t.test('the join token is asked for from agents and clients', async (t) => {
  const world = new World({}, { checkJoinToken: (token) => token === 'secret' });
  const wrong = world.agent('a1', { joinToken: 'guess' });
  t.match(world.closed.get(wrong.connectionId), { error: 'JOIN_TOKEN_WRONG' });
  const missing = world.connect();
  world.say(missing, { type: 'ClientHandshake', protocolVersions: [1], clientId: 'c', software: 'x' });
  t.match(world.closed.get(missing), { error: 'JOIN_TOKEN_WRONG', reason: /missing/ });
  world.agent('a1', { joinToken: 'secret' }).ack();
});

void t.test('there are at most so many agents', async (t) => {
  const world = new World({ maxAgents: 1 });
  const first = world.agent('a1');
  const { sessionToken } = first.ack();
  const second = world.agent('a2');
  t.match(world.closed.get(second.connectionId), { error: 'TOO_MANY_AGENTS' });
  world.lose(first.connectionId);
  t.equal(world.agent('a1', { sessionToken }).ack().resumed, true, 'one that is known comes back');
});

void t.test('a client learns of the kinds accepted now', async (t) => {
  const world = new World();
  world.agent('a1', { kinds: ['my-kind', 'compute'] });
  const connectionId = world.connect();
  world.say(connectionId, { type: 'ClientHandshake', protocolVersions: [1], clientId: 'c', software: 'x' });
  t.match(world.takeType(connectionId, 'ClientAck'), [
    { protocolVersion: 1, coordinatorId: 'c1', kinds: ['compute', 'my-kind'] },
  ]);
});

void t.test('a stranger with the id of a living agent is refused, and told when to try again', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.advance(5_000);
  for (const sessionToken of [undefined, 'token-guess']) {
    const stranger = world.agent('a1', sessionToken === undefined ? {} : { sessionToken });
    t.match(messagesOf(world.take(stranger.connectionId), 'ErrorReport'), [
      { name: 'AGENT_ID_IN_USE', retryAfterMs: 10_000, field: '/agentId' },
    ]);
    t.match(world.closed.get(stranger.connectionId), { error: 'AGENT_ID_IN_USE' });
  }
  t.equal(world.closed.has(agent.connectionId), false);
});

void t.test('with its token an agent replaces its own connection and keeps its leases', async (t) => {
  const world = new World();
  const old = world.agent('a1');
  const { sessionToken } = old.ack();
  const taskId = world.client().submit();
  const lease = old.takeTask();
  const again = world.agent('a1', { sessionToken, leases: [lease] });
  const ack = again.ack();
  t.match(ack, { resumed: true, abortedTasks: [] });
  t.not(ack.sessionToken, sessionToken, 'the token is rotated');
  t.match(world.closed.get(old.connectionId), { error: 'SESSION_REPLACED' });
  world.lose(old.connectionId);
  again.complete(lease);
  t.equal(world.core.state.tasks.get(taskId)?.phase.state, 'completed');
});

void t.test(
  'the old token is good until the agent has used the connection that brought it the new one',
  async (t) => {
    const world = new World();
    const first = world.agent('a1');
    const { sessionToken: one } = first.ack();
    world.lose(first.connectionId);
    const second = world.agent('a1', { sessionToken: one });
    t.equal(second.ack().resumed, true);
    world.lose(second.connectionId);
    const third = world.agent('a1', { sessionToken: one });
    const { sessionToken: three, resumed } = third.ack();
    t.equal(resumed, true, 'the second AgentAck may have been lost');
    third.heartbeat();
    world.lose(third.connectionId);
    t.equal(world.agent('a1', { sessionToken: one }).ack().resumed, false, 'now it is known to have arrived');
    t.equal(world.core.state.registry.size, 1);
    t.ok(three);
  },
);

void t.test('a token is worth nothing under another certificate', async (t) => {
  const world = new World();
  const agent = world.agent('a1', {}, 'cert-1');
  const { sessionToken } = agent.ack();
  const thief = world.agent('a1', { sessionToken }, 'cert-2');
  t.match(world.closed.get(thief.connectionId), { error: 'AGENT_ID_IN_USE' });
  t.equal(world.agent('a1', { sessionToken }, 'cert-1').ack().resumed, true);
});

void t.test(
  'the id of a silent or lost agent is taken over, and its tasks are requeued at once',
  async (t) => {
    for (const how of ['silent', 'suspect', 'disconnected']) {
      const world = new World();
      const old = world.agent('a1');
      old.ack();
      const taskId = world.client().submit();
      const lease = old.takeTask();
      if (how === 'disconnected') world.lose(old.connectionId);
      else world.advance(how === 'silent' ? 15_000 : 20_000);
      const next = world.agent('a1', { leases: [lease] });
      t.match(next.takeTask(), { taskId, attempt: 2, epoch: 2 }, how);
      t.equal(world.closed.has(old.connectionId), how !== 'disconnected');
    }
  },
);

void t.test('a session that was not resumed aborts the leases its agent names', async (t) => {
  const world = new World();
  const leases = [{ taskId: 'gone', attempt: 1, epoch: 3 }];
  t.match(world.agent('a1', { sessionToken: 'of another time', leases }).ack(), {
    resumed: false,
    abortedTasks: leases,
  });
});

void t.test('resuming: known leases go on, unnamed ones are requeued, unknown ones aborted', async (t) => {
  const world = new World();
  const old = world.agent('a1', { concurrency: 3 });
  const { sessionToken } = old.ack();
  const client = world.client();
  for (let i = 0; i < 3; i++) client.submit();
  const [kept, forgotten, wrongEpoch] = old.takeTasks();
  if (!kept || !forgotten || !wrongEpoch) throw new Error('three leases');
  world.lose(old.connectionId);
  const named = [
    { taskId: kept.taskId, attempt: 1, epoch: kept.epoch },
    { taskId: wrongEpoch.taskId, attempt: 1, epoch: 9 },
    { taskId: 'unknown', attempt: 1, epoch: 1 },
  ];
  const again = world.agent('a1', { sessionToken, leases: named, concurrency: 3 });
  const sent = world.take(again.connectionId);
  t.strictSame(messagesOf(sent, 'AgentAck')[0]?.abortedTasks, [named[1], named[2]]);
  t.strictSame(
    messagesOf(sent, 'AgentTask')
      .map((task) => [task.taskId, task.epoch])
      .sort(),
    [
      [forgotten.taskId, 2],
      [wrongEpoch.taskId, 2],
    ].sort(),
  );
  again.complete(kept);
  t.equal(client.query(kept.taskId).attempts, 1);
});

void t.test(
  'an agent that vanishes before its session is stored leaves nothing that gets tasks',
  async (t) => {
    for (const clean of [true, false]) {
      const world = new World();
      world.autoCommit = false;
      const agent = world.agent('a1');
      world.lose(agent.connectionId, clean);
      while (world.waiting !== null) world.commit();
      t.strictSame(world.take(agent.connectionId), []);
      world.autoCommit = true;
      world.client().submit();
      t.equal(world.core.state.tasks.held, 0);
      t.equal(world.core.state.registry.size, clean ? 0 : 1);
    }
  },
);
