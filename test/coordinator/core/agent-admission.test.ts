import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { AgentAdmission } from '../../../src/coordinator/core/sessions/agent-admission.js';
import { handshake, messagesOf, World } from './world.js';

void t.test('a burst at once, then so many a second', async (t) => {
  const admission = new AgentAdmission({ perSecond: 10, burst: 3 }, 0);
  const entered = (now: number) => admission.enter(now, 0) === null;
  t.strictSame(
    [1, 2, 3, 4].map(() => entered(0)),
    [true, true, true, false],
  );
  t.equal(admission.hasPlace(49), false);
  t.equal(entered(100), true);
  t.equal(entered(100), false);
  t.strictSame(
    [1, 2, 3, 4].map(() => entered(1_000_000)),
    [true, true, true, false],
    'no more than a burst is saved up',
  );
});

void t.test('each that is refused gets a slot of its own', async (t) => {
  const admission = new AgentAdmission({ perSecond: 10, burst: 1 }, 0);
  t.strictSame(
    [1, 2, 3, 4].map(() => admission.enter(0, 0)),
    [null, 100, 200, 300],
  );
  t.equal(admission.enter(0, 0.5), 400, 'a burst of one waits for nobody');
  const larger = new AgentAdmission({ perSecond: 10, burst: 5 }, 0);
  for (let i = 0; i < 5; i++) larger.enter(0, 0);
  t.equal(larger.enter(0, 0.5), 200, 'the slot and a part of the spread');
});

void t.test('nobody is sent away for more than a minute', async (t) => {
  const admission = new AgentAdmission({ perSecond: 1, burst: 1 }, 0);
  for (let i = 0; i < 10_000; i++) {
    const wait = admission.enter(0, (i % 100) / 100) ?? 0;
    assert.ok(wait <= 61_000, `${wait} ms`);
    assert.ok(i < 100 || wait >= 30_000);
  }
  t.ok((admission.enter(120_000, 0) ?? 0) <= 1_000, 'and those who never came back are forgotten');
});

void t.test('a clock that stands still or jumps back lets nobody in', async (t) => {
  const admission = new AgentAdmission({ perSecond: 10, burst: 1 }, 1_000);
  t.equal(admission.enter(1_000, 0), null);
  t.not(admission.enter(500, 0), null);
  t.not(admission.enter(549, 0), null);
});

void t.test('all who come back when they were told to find a place', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.nat(10_000),
      (perSecond, burst, fractions, start) => {
        const admission = new AgentAdmission({ perSecond, burst }, start);
        const returns: number[] = [];
        let atOnce = 0;
        for (const fraction of fractions) {
          const wait = admission.enter(start, fraction);
          if (wait === null) atOnce++;
          else if ((fractions.length - burst) / perSecond < 50) returns.push(start + wait);
        }
        assert.equal(atOnce, Math.min(burst, fractions.length));
        for (const at of returns.sort((a, b) => a - b)) {
          assert.equal(admission.enter(at, 0), null, `${returns.length} come back, at ${at}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

void t.test('a storm of agents is let in at the rate, and nobody twice refused', async (t) => {
  const world = new World({ agentAdmission: { perSecond: 100, burst: 20 } });
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const returns: { readonly agentId: string; readonly at: number }[] = [];
  const joined: number[] = [];
  const attempt = (agentId: string): number | null => {
    world.fraction = random();
    const { connectionId } = world.agent(agentId);
    if (world.takeType(connectionId, 'AgentAck').length > 0) {
      joined.push(world.now);
      return null;
    }
    const [error] = messagesOf(world.take(connectionId), 'ErrorReport');
    t.equal(error?.name, 'COORDINATOR_BUSY');
    t.match(world.closed.get(connectionId), { error: 'COORDINATOR_BUSY' });
    return error?.retryAfterMs ?? null;
  };
  const client = world.client();
  for (let i = 0; i < 300; i++) {
    const wait = attempt(`a${i}`);
    if (wait !== null) returns.push({ agentId: `a${i}`, at: world.now + wait });
  }
  t.equal(joined.length, 20);
  t.equal(world.core.counters.agentsDeferred, 280);
  t.equal(world.logs('connection refused').length, 1, 'one line at once');
  t.equal(client.submit({ delayMs: 1_000_000 }).length > 0, true, 'clients are not concerned');
  world.client();
  for (const { agentId, at } of returns.sort((a, b) => a.at - b.at)) {
    world.advance(at - world.now);
    t.equal(attempt(agentId), null);
  }
  t.equal(world.core.state.registry.size, 300);
  const last = joined.at(-1) ?? 0;
  t.ok(last - (joined[0] ?? 0) <= 3_100, 'all of them in less than the rate asks for');
  world.advance(2_000);
  const lines = world.logs('connection refused');
  t.equal(lines.length, 2, 'and one line a second for the others');
  t.equal(
    lines.reduce((sum, { count }) => sum + Number(count), 0),
    280,
  );
});

void t.test(
  'an agent that comes back to its leases and is told to wait does not lose them for that',
  async (t) => {
    const world = new World({ agentAdmission: { perSecond: 0.02, burst: 1 }, sessionGraceMs: 10_000 });
    const agent = world.agent('a1');
    const { sessionToken } = agent.ack();
    const taskId = world.client().submit({ timeoutMs: 1_000_000 });
    const lease = agent.takeTask();
    world.lose(agent.connectionId);
    world.advance(9_000);
    const busy = world.agent('a1', { sessionToken, leases: [lease] });
    const [error] = messagesOf(world.take(busy.connectionId), 'ErrorReport');
    t.match(error, { name: 'COORDINATOR_BUSY' });
    const wait = error?.retryAfterMs ?? 0;
    t.ok(wait > 30_000, 'longer than the grace');
    world.advance(wait);
    const back = world.agent('a1', { sessionToken, leases: [lease] });
    t.match(back.ack(), { resumed: true, abortedTasks: [] });
    back.complete(lease);
    t.equal(world.client().query(taskId).attempts, 1);
  },
);

void t.test('an agent that only changes its connection is not refused', async (t) => {
  const world = new World({ agentAdmission: { perSecond: 1, burst: 1 } });
  let { sessionToken } = world.agent('a1').ack();
  for (let i = 0; i < 10; i++) {
    const next = world.agent('a1', { sessionToken });
    sessionToken = next.ack().sessionToken;
  }
  t.match(world.closed.get(world.agent('a2').connectionId), { error: 'COORDINATOR_BUSY' });
});

void t.test('whoever would have to wait is told so only when it is known to live', async (t) => {
  const world = new World({ agentAdmission: { perSecond: 1, burst: 1 } });
  const agent = world.agent('a1');
  const { sessionToken } = agent.ack();
  world.lose(agent.connectionId);
  const flight = handshake('a1', { sessionToken, nonce: 'nonce-0000000000000000000001' });
  const connectionId = world.early(flight);
  t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [{ name: 'EARLY_DATA_REFUSED' }]);
  t.equal(world.core.counters.agentsDeferred, 0);
  world.established(connectionId);
  world.say(connectionId, flight);
  t.match(messagesOf(world.take(connectionId), 'ErrorReport'), [{ name: 'COORDINATOR_BUSY' }]);
});

void t.test(
  'a flood of wrong join tokens and bad handshakes is counted, and a few lines tell of it',
  async (t) => {
    const world = new World({}, { checkJoinToken: (token) => token === 'secret' });
    for (let i = 0; i < 1_000; i++) {
      world.agent(`a${i}`, { joinToken: 'guess' });
      world.say(world.connect(), { type: 'QueryStatus', requestId: 1 });
      world.advance(2);
    }
    world.advance(3_000);
    t.equal(world.core.counters.joinTokensRefused, 1_000);
    t.equal(world.core.counters.protocolErrors, 2_000);
    const lines = world.logs('connection refused');
    t.ok(lines.length <= 2 * 4, `${lines.length} lines in two seconds`);
    for (const name of ['JOIN_TOKEN_WRONG', 'UNEXPECTED_MESSAGE']) {
      const ofName = lines.filter(({ error }) => error === name);
      t.equal(
        ofName.reduce((sum, { count }) => sum + Number(count), 0),
        1_000,
        'none is left out',
      );
    }
    t.equal(world.core.state.logTopics.size, 0, 'nothing of it stays');
    t.equal(world.core.nextDeadline(), null);
  },
);
