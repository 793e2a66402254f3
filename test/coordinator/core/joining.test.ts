import t from 'tap';
import { hashToken } from '../../../src/coordinator/core/sessions/sessions.js';
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
  const stranger = world.agent('a1');
  t.match(messagesOf(world.take(stranger.connectionId), 'ErrorReport'), [
    { name: 'AGENT_ID_IN_USE', retryAfterMs: 10_000, field: '/agentId' },
  ]);
  t.match(world.closed.get(stranger.connectionId), { error: 'AGENT_ID_IN_USE' });
  t.equal(world.closed.has(agent.connectionId), false);
});

void t.test('packets alone keep an id from being taken over', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.advance(25_000);
  world.packets.set(agent.connectionId, world.now - 1_000);
  t.match(messagesOf(world.take(world.agent('a1').connectionId), 'ErrorReport'), [
    { name: 'AGENT_ID_IN_USE', retryAfterMs: 14_000 },
  ]);
  t.equal(world.closed.has(agent.connectionId), false);
});

void t.test(
  'a token that proves nothing is refused by name, counted and logged, whatever it tries',
  async (t) => {
    const world = new World();
    const agent = world.agent('a1', {}, 'cert-1');
    const { sessionToken } = agent.ack();
    const cases = [
      { id: 'a1', token: 'token-guess', certificate: 'cert-1', why: 'a guess, while the agent lives' },
      { id: 'a1', token: sessionToken, certificate: 'cert-2', why: 'stolen, under another certificate' },
      { id: 'a1', token: sessionToken, certificate: undefined, why: 'stolen, without a certificate' },
      { id: 'a2', token: sessionToken, certificate: 'cert-1', why: 'of another agent' },
      {
        id: 'a3',
        token: 'token-x',
        certificate: 'cert-1',
        why: 'of a session that the coordinator has no data of',
      },
    ];
    for (const [i, { id, token, certificate, why }] of cases.entries()) {
      const thief = world.agent(id, { sessionToken: token }, certificate);
      t.match(messagesOf(world.take(thief.connectionId), 'ErrorReport'), [
        { name: 'SESSION_UNKNOWN', field: '/sessionToken' },
      ]);
      t.match(world.closed.get(thief.connectionId), { error: 'SESSION_UNKNOWN' }, why);
      t.equal(world.core.counters.sessionsRefused, i + 1);
      const lines = world.logs('connection refused');
      t.match(lines.at(-1), { error: 'SESSION_UNKNOWN', address: /^host:/ }, 'it is logged with the address');
      world.advance(1_000);
    }
    t.equal(world.core.state.registry.size, 1, 'none of them became a session');
    t.equal(world.closed.has(agent.connectionId), false);
    world.lose(agent.connectionId);
    const guess = world.agent('a1', { sessionToken: 'token-guess' }, 'cert-1');
    t.match(world.closed.get(guess.connectionId), { error: 'SESSION_UNKNOWN' }, 'nor when the agent is away');
    t.equal(world.agent('a1', { sessionToken }, 'cert-1').ack().resumed, true);
  },
);

void t.test(
  'two agents with copies of one token: the second is refused once the first has spoken',
  async (t) => {
    const world = new World();
    const { connectionId, ...origin } = world.agent('a1');
    const [ack] = world.takeType(connectionId, 'AgentAck');
    const sessionToken = ack?.sessionToken ?? '';
    world.lose(connectionId);
    const first = world.agent('a1', { sessionToken });
    first.ack();
    world.turn({ type: 'laneOpened', connectionId: first.connectionId });
    const second = world.agent('a1', { sessionToken });
    t.match(world.closed.get(second.connectionId), { error: 'SESSION_UNKNOWN' });
    const withoutIt = world.agent('a1');
    t.match(world.closed.get(withoutIt.connectionId), { error: 'AGENT_ID_IN_USE' });
    t.equal(world.closed.has(first.connectionId), false, `${origin.agentId} is not disturbed`);
  },
);

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
    const copy = world.agent('a1', { sessionToken: one });
    t.match(world.closed.get(copy.connectionId), { error: 'SESSION_UNKNOWN' }, 'the new one has arrived');
    t.match(
      world.stored.filter(({ op }) => op === 'put-session').at(-1),
      { session: { tokenHash: hashToken(three), previousTokenHash: null } },
      'nor is it good after a restart',
    );
    t.equal(world.agent('a1', { sessionToken: three }).ack().resumed, true);
  },
);

void t.test('a token is worth nothing under another certificate', async (t) => {
  const world = new World();
  const agent = world.agent('a1', {}, 'cert-1');
  const { sessionToken } = agent.ack();
  const thief = world.agent('a1', { sessionToken }, 'cert-2');
  t.match(world.closed.get(thief.connectionId), { error: 'SESSION_UNKNOWN' });
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

void t.test(
  'a lease that ends while its agent joins again is named in AgentAck, and nothing comes before that',
  async (t) => {
    const world = new World();
    const old = world.agent('a1', { concurrency: 2 });
    const { sessionToken } = old.ack();
    const client = world.client();
    const cancelled = client.submit();
    const late = client.submit({ timeoutMs: 1_000, attempts: 1 });
    const leases = old.takeTasks();
    world.lose(old.connectionId);
    world.autoCommit = false;
    const agent = world.agent('a1', { sessionToken, leases, concurrency: 2 });
    client.cancel(cancelled);
    world.advance(1_000);
    world.turn({ type: 'drain', deadlineMs: 1_000, reason: 'test' });
    t.strictSame(world.take(agent.connectionId), []);
    t.equal(world.core.state.registry.get('a1')?.slot.used, 0);
    while (world.waiting !== null) world.commit();
    const [first, ...others] = world.take(agent.connectionId);
    t.match(first?.message, {
      type: 'AgentAck',
      resumed: true,
      abortedTasks: [{ taskId: cancelled }, { taskId: late }],
    });
    t.strictSame(messagesOf(others, 'CancelTask'), []);
  },
);

void t.test('while the store is down agents are told to come back, and nothing piles up', async (t) => {
  const world = new World({ storeRetryMs: 1_000, sessionGraceMs: 10_000 });
  const agent = world.agent('a1');
  const { sessionToken } = agent.ack();
  const client = world.client();
  client.submit({ timeoutMs: 1_000_000 });
  const lease = agent.takeTask();
  world.lose(agent.connectionId);
  world.autoCommit = false;
  client.send();
  world.failCommit();
  for (let i = 0; i < 100; i++) {
    world.advance(500);
    const nonce = `nonce-${String(i).padStart(20, '0')}`;
    const early = world.early(handshake('a1', { sessionToken, nonce }));
    const late = world.agent(
      i % 2 === 0 ? 'a1' : `b${i}`,
      i % 2 === 0 ? { sessionToken, leases: [lease] } : {},
    );
    if (i > 2) t.match(messagesOf(world.take(early), 'ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
    if (i > 2) t.match(world.closed.get(late.connectionId), { error: 'STORE_UNAVAILABLE' });
    if (world.waiting !== null) world.failCommit();
  }
  t.ok(world.core.state.commits.pendingCount <= 2, 'one of them was the probe');
  world.autoCommit = true;
  world.advance(2_000);
  t.equal(world.core.state.store.state, 'up');
  const back = world.agent('a1', { sessionToken, leases: [lease] });
  t.match(back.ack(), { resumed: true, abortedTasks: [] }, 'its leases have waited');
});

void t.test('a session that was not resumed aborts the leases its agent names', async (t) => {
  const world = new World();
  const leases = [{ taskId: 'gone', attempt: 1, epoch: 3 }];
  const old = world.agent('a1', { sessionToken: 'of another time', leases });
  t.match(world.closed.get(old.connectionId), { error: 'SESSION_UNKNOWN' });
  t.match(world.agent('a1', { leases }).ack(), {
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
