import t from 'tap';
import type { Message } from '../../../src/protocol/messages.js';
import { AgentDouble, completion, handshake, messagesOf, World } from './world.js';

const nonce = (n: number) => `nonce-${String(n).padStart(20, '0')}`;

/** All that early data must not change. */
function picture(world: World): unknown {
  const { registry, timers, connections } = world.core.state;
  return [...registry.values()].map((session) => ({
    identity: session.identity,
    phase: session.phase,
    leases: Array.from(session.leases, ({ spec }) => spec.taskId),
    credit: [session.slot.credit, session.slot.used, session.slot.available],
    timers: [session.timer, session.heartbeatTimer, session.stallTimer].map(({ at, index }) => [
      at,
      index !== -1,
    ]),
    heard: [session.lastHeardAt, session.lastPacketAt],
    connection: session.phase.state === 'disconnected' ? null : connections.has(session.phase.connectionId),
    next: timers.next() !== null,
  }));
}

/** An agent that has joined, works on a task, and has lost its connection. */
function lostAgent(world: World, certificate?: string) {
  const agent = world.agent('a1', { concurrency: 2 }, certificate);
  const { sessionToken } = agent.ack();
  const taskId = world.client().submit();
  const lease = agent.takeTask();
  world.lose(agent.connectionId);
  return { agent, sessionToken, taskId, lease };
}

void t.test(
  'an agent resumes in early data: nonce, session, AgentAck, and tasks once it is known to live',
  async (t) => {
    const world = new World();
    world.autoNonce = false;
    const { sessionToken, taskId, lease } = lostAgent(world);
    const before = picture(world);
    const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease], concurrency: 2 });
    const connectionId = world.early(flight);
    t.match(world.nonceChecks, [{ connectionId, nonce: nonce(1) }]);
    t.strictSame(world.take(connectionId), []);
    t.strictSame(picture(world), before, 'before the store has spoken nothing has happened');
    world.checkNonce();
    const agent = new AgentDouble(world, connectionId, 'a1');
    const ack = agent.ack();
    t.match(ack, { resumed: true, abortedTasks: [] });
    t.not(ack.sessionToken, sessionToken);
    t.equal(world.core.counters.sessionsResumed, 1);
    world.client().submit();
    t.strictSame(agent.takeTasks(), [], 'whether anybody is there is not known');
    world.established(connectionId);
    t.equal(agent.takeTasks().length, 1);
    agent.complete(lease);
    t.equal(world.core.state.tasks.get(taskId)?.phase.state, 'completed');
    world.advance(10_000);
    t.equal(world.closed.has(connectionId), false, 'the handshake was in time');
    t.match(world.takeType(connectionId, 'HeartbeatMessage'), [{ sequence: 1 }]);
  },
);

void t.test('TLS may be established before the nonce or the session is stored', async (t) => {
  for (const first of ['nonce', 'commit']) {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    world.autoNonce = false;
    const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] }));
    const agent = new AgentDouble(world, connectionId, 'a1');
    if (first === 'nonce') {
      world.established(connectionId);
      world.checkNonce();
    } else {
      world.autoCommit = false;
      world.checkNonce();
      world.established(connectionId);
      t.strictSame(world.take(connectionId), []);
      world.autoCommit = true;
      world.commit();
    }
    t.equal(agent.ack().resumed, true);
    t.equal(world.core.state.registry.get('a1')?.phase.state, 'connected', first);
  }
});

void t.test(
  'a flight that is sent a thousand times, also to a restarted coordinator, changes nothing',
  async (t) => {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease], concurrency: 2 });
    const connectionId = world.early(flight);
    world.established(connectionId);
    const agent = new AgentDouble(world, connectionId, 'a1');
    agent.ack();
    // with and without the agent having shown that it has its new token
    for (const round of [0, 1]) {
      const before = picture(world);
      const stored = world.stored.length;
      for (let i = 0; i < 1_000; i++) {
        const replay = world.early(flight);
        t.match(messagesOf(world.take(replay), 'ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
        t.equal(world.closed.has(replay), false, 'a living peer may say it again');
        world.lose(replay, i % 2 === 0);
      }
      t.strictSame(picture(world), before);
      t.equal(world.stored.length, stored, 'nothing is written');
      t.strictSame(world.nonceChecks, []);
      t.equal(world.core.counters.replaysRefused, (round + 1) * 1_000);
      t.equal(world.core.counters.earlyDataRefused, (round + 1) * 1_000);
      if (round === 0) agent.heartbeat();
    }
    t.ok(world.logs('early data refused').length <= 2, 'and not a thousand lines');
    t.match(world.logs('early data refused')[0], { address: /^host:\d+$/, count: 1 });
    agent.complete(lease);
    t.strictSame(agent.errors(), []);
  },
);

void t.test('of copies that are checked at once, one takes effect', async (t) => {
  const world = new World();
  const { sessionToken, lease } = lostAgent(world);
  world.autoNonce = false;
  const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] });
  const copies = Array.from({ length: 50 }, () => world.early(flight));
  world.autoNonce = true;
  world.checkNonce();
  while (world.nonceChecks.length > 0) world.checkNonce();
  const answered = copies.filter((id) => world.takeType(id, 'AgentAck').length > 0);
  t.equal(answered.length, 1);
  t.equal(world.core.counters.sessionsResumed, 1);
  t.equal(world.core.counters.replaysRefused, 49);
  t.strictSame(world.closed.size, 0, 'no copy displaces the one that came first');
});

void t.test('a nonce that the store has used before the crash is used up after it', async (t) => {
  // the coordinator dies between the nonce and the session: the token is still the latest one
  const world = new World();
  const { sessionToken, lease } = lostAgent(world);
  world.store.usedNonces.add(nonce(1));
  const before = picture(world);
  const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] });
  for (let i = 0; i < 1_000; i++) world.early(flight);
  t.strictSame(picture(world), before);
  t.equal(world.core.counters.replaysRefused, 1_000);
});

void t.test(
  'after a refusal the same handshake works on the same connection when TLS is established',
  async (t) => {
    for (const why of ['replay', 'no nonce', 'older token', 'no certificate known']) {
      const world = new World();
      const certificate = why === 'no certificate known' ? 'cert-1' : undefined;
      const { sessionToken, lease } = lostAgent(world, certificate);
      if (why === 'older token') {
        // its AgentAck was lost: it still has the one before
        const lost = world.agent('a1', { sessionToken, leases: [lease] });
        world.lose(lost.connectionId);
      }
      if (why === 'replay') world.store.usedNonces.add(nonce(1));
      const message = handshake('a1', {
        sessionToken,
        leases: [lease],
        ...(why === 'no nonce' ? {} : { nonce: nonce(1) }),
      });
      const before = picture(world);
      const connectionId = world.early(message);
      const agent = new AgentDouble(world, connectionId, 'a1');
      t.strictSame(agent.errors(), ['EARLY_DATA_REFUSED'], why);
      t.strictSame(picture(world), before);
      world.established(connectionId, certificate ?? null);
      agent.say(message);
      t.match(agent.ack(), { resumed: true, abortedTasks: [] }, why);
      agent.complete(lease);
      t.strictSame(agent.errors(), []);
    }
  },
);

void t.test('early data carries nothing but the handshake of an agent that resumes', async (t) => {
  const world = new World();
  const { sessionToken } = lostAgent(world);
  const before = picture(world);
  const stored = world.stored.length;
  const refused: Message[] = [
    {
      type: 'ClientHandshake',
      protocolVersions: [1],
      clientId: 'c',
      software: 'x',
      nonce: nonce(9),
    },
    { type: 'QueryStatus', requestId: 1 },
    { type: 'DrainNotice', reason: '', deadlineMs: 1 },
    handshake('a1', { nonce: nonce(2) }),
    handshake('a2', { nonce: nonce(3) }),
    handshake('a2', { nonce: nonce(4), sessionToken }),
    handshake('a1', { nonce: nonce(5), sessionToken: 'guess' }),
    handshake('a1', { nonce: nonce(6), sessionToken, protocolVersions: [99] }),
  ];
  for (const message of refused) {
    const connectionId = world.early(message);
    t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [
      { name: 'EARLY_DATA_REFUSED', messageType: message.type },
    ]);
    t.equal(world.closed.has(connectionId), false);
    world.advance(0);
  }
  t.strictSame(world.nonceChecks, []);
  t.strictSame(world.store.usedNonces.size, 0, 'no nonce is spent on them');
  t.strictSame(picture(world), before);
  t.equal(world.stored.length, stored);
  t.equal(world.core.counters.earlyDataRefused, refused.length);
});

void t.test('the join token is asked for in early data as well', async (t) => {
  const world = new World({}, { checkJoinToken: (token) => token === 'secret' });
  const agent = world.agent('a1', { joinToken: 'secret' });
  const { sessionToken } = agent.ack();
  const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), joinToken: 'wrong' }));
  t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [
    { name: 'EARLY_DATA_REFUSED', message: /join token/ },
  ]);
});

void t.test(
  'what else comes early on the connection is refused, while the nonce is checked and after',
  async (t) => {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    world.autoNonce = false;
    const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] }));
    const early = (message: Message) => {
      world.turn({ type: 'message', connectionId, message, early: true });
      return messagesOf(world.take(connectionId), 'ErrorReport').map(({ name }) => name);
    };
    const handBack = completion(lease, { outcome: 'cancelled' });
    t.strictSame(early(handBack), ['EARLY_DATA_REFUSED']);
    t.strictSame(early(handshake('a1', { sessionToken, nonce: nonce(2) })), ['EARLY_DATA_REFUSED']);
    t.equal(world.nonceChecks.length, 1, 'one chance for each connection');
    world.checkNonce();
    t.equal(world.takeType(connectionId, 'AgentAck').length, 1);
    const heardAt = world.core.state.registry.get('a1')?.lastHeardAt;
    world.advance(100);
    t.strictSame(early(handBack), ['EARLY_DATA_REFUSED']);
    t.strictSame(early({ type: 'DrainNotice', reason: '', deadlineMs: 1 }), ['EARLY_DATA_REFUSED']);
    t.equal(world.core.state.registry.get('a1')?.leases.size, 1);
    t.equal(world.core.state.registry.get('a1')?.lastHeardAt, heardAt, 'it is no sign of life');
  },
);

void t.test('too much of it closes the connection', async (t) => {
  const world = new World();
  const connectionId = world.early({ type: 'QueryStatus', requestId: 1 });
  for (let i = 0; i < 1_000; i++) {
    world.turn({
      type: 'message',
      connectionId,
      message: { type: 'QueryStatus', requestId: 1 },
      early: true,
    });
  }
  t.match(world.closed.get(connectionId), { error: 'TOO_MANY_ERRORS' });
});

void t.test('a session of a certificate is resumed early only where that certificate is known', async (t) => {
  const world = new World();
  const { sessionToken } = lostAgent(world, 'cert-1');
  for (const certificate of [null, 'cert-2']) {
    const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1) }), certificate);
    t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
  }
  t.equal(world.store.usedNonces.size, 0);
  const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1) }), 'cert-1');
  t.equal(world.takeType(connectionId, 'AgentAck').length, 1);
});

void t.test(
  'a certificate that turns out to be another one ends the connection, not the session',
  async (t) => {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] }));
    world.established(connectionId, 'cert-9');
    t.match(world.closed.get(connectionId), { error: 'SESSION_UNKNOWN' });
    t.equal(world.core.counters.sessionsRefused, 1);
    t.equal(world.core.state.registry.get('a1')?.leases.size, 1);
    t.match(world.agent('a1', { sessionToken, leases: [lease] }).ack(), { resumed: true, abortedTasks: [] });
  },
);

void t.test(
  'a flight whose connection is never established: the agent itself comes back with its token',
  async (t) => {
    const world = new World();
    const { sessionToken, taskId, lease } = lostAgent(world);
    const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] });
    // somebody held the flight back and sends it first: it is fresh, but nobody is there
    const ghost = world.early(flight);
    t.equal(world.takeType(ghost, 'AgentAck').length, 1);
    const honest = world.early(flight);
    const agent = new AgentDouble(world, honest, 'a1');
    t.strictSame(agent.errors(), ['EARLY_DATA_REFUSED']);
    world.established(honest);
    agent.say(flight);
    t.match(agent.ack(), { resumed: true, abortedTasks: [] });
    t.match(world.closed.get(ghost), { error: 'SESSION_REPLACED' });
    agent.complete(lease);
    t.equal(world.core.state.tasks.get(taskId)?.phase.state, 'completed');
  },
);

void t.test(
  'a connection that is never established is closed in time, and its session waits for the agent',
  async (t) => {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] }));
    t.equal(world.takeType(connectionId, 'AgentAck').length, 1);
    world.advance(9_999);
    t.equal(world.closed.has(connectionId), false);
    world.advance(1);
    t.match(world.closed.get(connectionId), { error: 'HANDSHAKE_TIMEOUT', reason: /TLS/ });
    t.match(world.core.state.registry.get('a1'), { phase: { state: 'disconnected' } });
    t.match(world.agent('a1', { sessionToken, leases: [lease] }).ack(), { resumed: true, abortedTasks: [] });
  },
);

void t.test('a goodbye in early data ends no session', async (t) => {
  const world = new World();
  const { sessionToken, lease } = lostAgent(world);
  const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] }));
  world.lose(connectionId, true);
  t.match(world.core.state.registry.get('a1'), { phase: { state: 'disconnected' } });
  t.equal(world.core.state.registry.get('a1')?.leases.size, 1);
});

void t.test('what has changed while the nonce was checked is noticed', async (t) => {
  for (const what of ['resumed elsewhere', 'session over', 'connection lost', 'ordinary handshake came']) {
    const world = new World();
    const { sessionToken, lease } = lostAgent(world);
    world.autoNonce = false;
    const flight = handshake('a1', { sessionToken, nonce: nonce(1), leases: [lease] });
    const connectionId = world.early(flight);
    if (what === 'resumed elsewhere') world.agent('a1', { sessionToken, leases: [lease] }).ack();
    else if (what === 'session over') world.agent('a1').ack();
    else if (what === 'connection lost') world.lose(connectionId);
    else {
      world.established(connectionId);
      world.say(connectionId, flight);
      t.equal(world.takeType(connectionId, 'AgentAck').length, 1);
    }
    const before = picture(world);
    world.checkNonce();
    t.strictSame(picture(world), before, what);
    const refused = what === 'resumed elsewhere' || what === 'session over';
    const errors = messagesOf(world.take(connectionId), 'ErrorReport').map(({ name }) => name);
    t.strictSame(errors, refused ? ['EARLY_DATA_REFUSED'] : []);
  }
});

void t.test('a nonce in an ordinary handshake means nothing', async (t) => {
  const world = new World();
  t.equal(world.agent('a1', { nonce: nonce(1) }).ack().resumed, false);
  t.strictSame(world.store.usedNonces.size, 0);
});

void t.test('early data that no longer brings the role of an agent is refused like any other', async (t) => {
  let role: 'agent' | 'read-only' = 'agent';
  const world = new World({}, { rolesOf: () => [role, 'client'] });
  const { sessionToken } = lostAgent(world);
  const before = picture(world);
  role = 'read-only';
  const connectionId = world.early(handshake('a1', { sessionToken, nonce: nonce(1) }));
  t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [
    { name: 'EARLY_DATA_REFUSED', message: /role read-only/ },
  ]);
  t.strictSame(picture(world), before);
  t.strictSame(world.nonceChecks, []);
});
