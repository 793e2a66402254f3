import t from 'tap';
import { messagesOf, World, type AgentDouble, type ClientDouble } from './world.js';

const STALL_MS = 60_000;

/** Time passes; the agent lives and does nothing but send heartbeats. */
function idle(world: World, ms: number, ...agents: AgentDouble[]): void {
  for (let passed = 0; passed < ms; passed += 5_000) {
    for (const agent of agents) agent.heartbeat();
    world.advance(Math.min(5_000, ms - passed));
  }
}

function stalled(client: ClientDouble, agentId: string): boolean {
  const [report] = messagesOf(client.ask({ type: 'QueryAgents', requestId: 1 }), 'AgentsReport');
  const agent = report?.agents.find((one) => one.agentId === agentId);
  return agent?.stalled ?? false;
}

void t.test(
  'an agent that holds leases and ends nothing is said to stall, once, until it ends something',
  async (t) => {
    const world = new World({ stallMs: STALL_MS });
    const agent = world.agent('a1', { concurrency: 2 });
    agent.ack();
    const client = world.client();
    idle(world, 100_000, agent);
    t.equal(world.core.counters.agentsStalled, 0, 'without work nobody stalls');
    client.submit({ timeoutMs: 10_000_000 });
    client.submit({ timeoutMs: 10_000_000 });
    const [lease] = agent.takeTasks();
    const since = world.now;
    if (lease === undefined) throw new Error('it has work');
    idle(world, STALL_MS - 5_000, agent);
    t.equal(stalled(client, 'a1'), false);
    idle(world, 20_000, agent);
    t.equal(stalled(client, 'a1'), true);
    const text = 'agent stalls: it is connected and ends nothing';
    t.match(world.logs(text), [{ agentId: 'a1', leases: 2, since: new Date(since).toISOString() }]);
    idle(world, 500_000, agent);
    t.equal(world.logs(text).length, 1);
    t.equal(world.core.counters.agentsStalled, 1);
    agent.complete(lease);
    t.equal(stalled(client, 'a1'), false);
    t.equal(world.logs('agent ends tasks again').length, 1);
    idle(world, 80_000, agent);
    t.equal(world.core.counters.agentsStalled, 2, 'and then it may stall again');
  },
);

void t.test('progress, a failure or giving back is no stall', async (t) => {
  for (const how of ['progress', 'fail']) {
    const world = new World({ stallMs: STALL_MS, retry: { baseMs: 1, maxMs: 1 } });
    const agent = world.agent('a1');
    agent.ack();
    const client = world.client();
    client.submit({ timeoutMs: 10_000_000, attempts: 100 });
    for (let i = 0; i < 10; i++) {
      const [lease] = [...(world.core.state.registry.get('a1')?.leases ?? [])];
      if (lease === undefined) throw new Error('it has a lease');
      const { taskId } = lease.spec;
      const { epoch, attempts: attempt } = lease;
      if (how === 'progress') agent.say({ type: 'TaskProgress', taskId, epoch, fraction: i / 10 });
      else agent.fail({ taskId, epoch, attempt }, true);
      idle(world, STALL_MS - 10_000, agent);
    }
    t.equal(world.core.counters.agentsStalled, 0, how);
  }
});

void t.test('an agent with credit that gets none of the tasks that wait is noticed as well', async (t) => {
  const world = new World({ stallMs: STALL_MS, inputCacheBytes: 0 });
  const agent = world.agent('a1');
  agent.ack();
  agent.heartbeat({ concurrency: 0 });
  const client = world.client();
  // the store does not give the input back, so the task is not given out
  world.autoRead = false;
  client.submit();
  idle(world, 3 * STALL_MS, agent);
  t.equal(stalled(client, 'a1'), false, 'without credit it need not take any');
  agent.heartbeat({ concurrency: 1 });
  t.strictSame(agent.takeTasks(), []);
  idle(world, STALL_MS, agent);
  t.equal(stalled(client, 'a1'), false);
  idle(world, STALL_MS / 2, agent);
  t.equal(stalled(client, 'a1'), true);
  t.match(world.logs('agent stalls: it is connected and ends nothing'), [{ agentId: 'a1', leases: 0 }]);
  world.autoRead = true;
  world.turn({ type: 'flush' });
  agent.complete(agent.takeTask());
  t.equal(stalled(client, 'a1'), false);
});

void t.test("tasks that wait for a limit of their kind are nobody's stall", async (t) => {
  const kindLimits = new Map([['compute', { concurrency: 1, perSecond: null }]]);
  const world = new World({ stallMs: STALL_MS, kindLimits });
  const busy = world.agent('a1');
  const waiting = world.agent('a2');
  busy.ack();
  waiting.ack();
  const client = world.client();
  client.submit({ timeoutMs: 10_000_000 });
  client.submit({ timeoutMs: 10_000_000 });
  idle(world, 3 * STALL_MS, busy, waiting);
  const working = busy.takeTasks().length === 1 ? 'a1' : 'a2';
  t.equal(stalled(client, working), true);
  t.equal(stalled(client, working === 'a1' ? 'a2' : 'a1'), false);
});

void t.test(
  'after each resume credit and kinds are what the agent says, and it gets work at once',
  async (t) => {
    const world = new World({ stallMs: STALL_MS }, { admit: () => ({ ok: true }) });
    const client = world.client();
    let agent = world.agent('a1', { concurrency: 2, kinds: ['compute'] });
    let { sessionToken } = agent.ack();
    for (let round = 0; round < 20; round++) {
      // whatever the connection was left in: paused, suspect, draining, stopping a task, or overloaded
      if (round % 5 === 0) agent.heartbeat({ concurrency: 0 });
      if (round % 5 === 1) world.advance(25_000);
      if (round % 5 === 2) agent.say({ type: 'DrainNotice', reason: 'test', deadlineMs: 1 });
      if (round % 5 === 3) client.cancel(client.submit({ kind: round % 2 === 0 ? 'compute' : 'other' }));
      if (round % 5 === 4) agent.heartbeat({ load: 1 });
      if (round % 2 === 0 && round % 5 !== 2) world.lose(agent.connectionId);
      const kinds = round % 2 === 0 ? ['other'] : ['compute'];
      agent = world.agent('a1', { sessionToken, concurrency: 3, kinds });
      const ack = agent.ack();
      ({ sessionToken } = ack);
      t.equal(ack.resumed, true);
      const taskIds = [1, 2, 3, 4].map(() => client.submit({ kind: kinds[0] ?? '' }));
      const tasks = agent.takeTasks();
      t.equal(tasks.length, 3, `round ${round}: as many as its credit`);
      for (const task of tasks) agent.complete(task);
      agent.complete(agent.takeTask());
      for (const taskId of taskIds) t.equal(client.query(taskId).state, 'completed');
      t.match(world.core.state.registry.get('a1')?.slot, { used: 0, credit: 3, available: true });
    }
  },
);
