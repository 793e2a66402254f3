import t from 'tap';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { completion, messagesOf, World, type AgentDouble, type ClientDouble } from './world.js';

function pair(concurrency = 1): { world: World; agent: AgentDouble; client: ClientDouble } {
  const world = new World();
  const agent = world.agent('a1', { concurrency });
  agent.ack();
  return { world, agent, client: world.client() };
}

const acks = (world: World, agent: AgentDouble): MessageOf<'MessageAck'>[] =>
  world.takeType(agent.connectionId, 'MessageAck');

void t.test('a task goes out with its lease and payload on the lane of its priority', async (t) => {
  const { world, agent, client } = pair(11);
  const lanes = [
    'low',
    'low',
    'low',
    'normal',
    'normal',
    'normal',
    'normal',
    'normal',
    'high',
    'high',
    'high',
  ];
  for (const [priority, lane] of lanes.entries()) {
    const taskId = client.submit({ priority, timeoutMs: 1234 }, new Uint8Array([priority]));
    const [sent] = world.take(agent.connectionId);
    t.match(sent, {
      lane: `tasks-${lane}`,
      message: {
        type: 'AgentTask',
        taskId,
        attempt: 1,
        epoch: 1,
        kind: 'compute',
        priority,
        timeoutMs: 1234,
      },
    });
    t.strictSame([...(sent?.payload ?? [])], [priority]);
  }
});

void t.test('a result is stored, then acknowledged; credit is free before that', async (t) => {
  const { world, agent, client } = pair();
  const first = client.submit();
  const second = client.submit();
  const lease = agent.takeTask();
  world.autoCommit = false;
  agent.complete(lease, new Uint8Array([4, 2]));
  const sent = world.take(agent.connectionId);
  t.match(messagesOf(sent, 'AgentTask'), [{ taskId: second }], 'the next one is on its way');
  t.strictSame(messagesOf(sent, 'MessageAck'), []);
  t.match(world.waiting?.ops, [
    { op: 'complete', taskId: first, epoch: 1, runMs: 5 },
    { op: 'lease', lease: { taskId: second, agentId: 'a1', coordinatorId: 'c1' } },
  ]);
  world.commit();
  t.match(acks(world, agent), [{ status: 'processed', requestIds: [], taskIds: [first] }]);
});

void t.test('the typed results end a lease like a completion', async (t) => {
  const { agent, client } = pair(2);
  const one = client.submit();
  const { taskId, attempt, epoch } = agent.takeTask();
  agent.say({
    type: 'PatternMatchResult',
    taskId,
    attempt,
    epoch,
    runMs: 3,
    patternType: 'dtw',
    matchCount: 1,
    confidence: null,
    expectedOutcome: null,
    computeTimeMs: 2,
  });
  t.match(client.query(one), { state: 'completed', runMs: 3 });
  const two = client.submit();
  const lease = agent.takeTask();
  agent.say({
    type: 'StrategyCorrelation',
    taskId: lease.taskId,
    attempt: lease.attempt,
    epoch: lease.epoch,
    runMs: 4,
    strategyIds: ['x'],
    methods: ['pearson'],
    computeTimeMs: 2,
  });
  t.match(client.query(two), { state: 'completed', runMs: 4 });
});

void t.test('results of one turn are acknowledged in one message', async (t) => {
  const { world, agent, client } = pair(3);
  const ids = [client.submit(), client.submit(), client.submit()];
  const leases = agent.takeTasks();
  for (const lease of leases) {
    world.event({
      type: 'message',
      connectionId: agent.connectionId,
      message: completion(lease, { outcome: 'completed' }),
    });
  }
  world.turn({ type: 'flush' });
  t.match(acks(world, agent), [{ status: 'processed', requestIds: [], taskIds: ids }]);
});

void t.test('a result that is sent again is acknowledged again', async (t) => {
  const { world, agent, client } = pair();
  client.submit();
  const lease = agent.takeTask();
  world.autoCommit = false;
  agent.complete(lease);
  agent.complete(lease);
  t.strictSame(acks(world, agent), [], 'not before it is stored');
  while (world.waiting !== null) world.commit();
  t.strictSame(
    acks(world, agent).flatMap((ack) => ack.taskIds),
    [lease.taskId, lease.taskId],
  );
  agent.complete(lease);
  t.match(acks(world, agent), [{ taskIds: [lease.taskId] }]);
  t.equal(world.stored.filter((op) => op.op === 'complete').length, 1);
  t.equal(world.core.counters.staleResults, 0);
});

void t.test('a late result of an old lease is refused by name and changes nothing', async (t) => {
  const { world, agent, client } = pair();
  const taskId = client.submit();
  const old = agent.takeTask();
  world.lose(agent.connectionId, true);
  const next = world.agent('a2');
  next.ack();
  const lease = next.takeTask();
  const back = world.agent('a1', { concurrency: 3 });
  back.ack();
  back.complete(old);
  t.strictSame(back.errors(), ['STALE_LEASE']);
  back.complete({ ...lease });
  t.strictSame(back.errors(), ['STALE_LEASE'], 'nor may an agent answer for another');
  next.complete({ ...lease, epoch: 1 });
  t.strictSame(next.errors(), ['STALE_LEASE']);
  next.complete(lease);
  t.equal(client.query(taskId).state, 'completed');
  back.complete(old);
  t.strictSame(back.errors(), ['TASK_FINISHED']);
  back.complete({ taskId: 'never', attempt: 1, epoch: 1 });
  t.strictSame(back.errors(), ['UNKNOWN_TASK']);
  t.equal(world.core.counters.staleResults, 5);
});

void t.test(
  'a retryable failure is retried after a jittered, growing backoff; then the task is dead',
  async (t) => {
    const { world, agent, client } = pair();
    const taskId = client.submit({ attempts: 3 });
    world.fraction = 0;
    agent.fail(agent.takeTask(), true);
    t.match(client.query(taskId), { state: 'retrying', attempts: 1, error: { name: 'BOOM' } });
    world.advance(249);
    t.strictSame(agent.takeTasks(), []);
    world.advance(1);
    world.fraction = 0.999;
    agent.fail(agent.takeTask(), true);
    world.advance(999);
    t.strictSame(agent.takeTasks(), []);
    world.advance(1);
    const third = agent.takeTask();
    t.match(third, { attempt: 3, epoch: 3 });
    agent.fail(third, true);
    t.match(client.query(taskId), { state: 'dead', attempts: 3, error: { name: 'BOOM' }, runMs: 5 });
    const end = world.stored.findLast((op) => op.op === 'fail');
    t.match(end, { op: 'fail', state: 'dead', taskId, epoch: 3 });
    t.equal(world.core.counters.retried, 2);
  },
);

void t.test(
  'an error that is not retryable ends the task at once; so does one without a reason',
  async (t) => {
    const { agent, client } = pair();
    const taskId = client.submit();
    agent.fail(agent.takeTask(), false);
    t.match(client.query(taskId), { state: 'failed', attempts: 1, error: { name: 'BOOM' } });
    const other = client.submit();
    agent.say(completion(agent.takeTask(), { outcome: 'failed' }));
    t.match(client.query(other), { state: 'failed', error: { name: 'FAILED' } });
  },
);

void t.test(
  'a lease past its deadline: the agent is told, the attempt failed, the credit stays taken',
  async (t) => {
    const { world, agent, client } = pair();
    const taskId = client.submit({ timeoutMs: 1_000, attempts: 2 });
    const lease = agent.takeTask();
    world.advance(999);
    t.strictSame(world.take(agent.connectionId), []);
    world.advance(1);
    t.match(world.take(agent.connectionId), [
      { lane: 'control', message: { type: 'CancelTask', taskId, epoch: 1, reason: 'timeout' } },
    ]);
    t.match(client.query(taskId), { state: 'retrying', error: { name: 'TIMEOUT' } });
    world.advance(1_000);
    t.equal(client.query(taskId).state, 'queued', 'the agent has not said that it stopped');
    agent.say(completion(lease, { outcome: 'cancelled' }));
    const sent = world.take(agent.connectionId);
    t.match(messagesOf(sent, 'MessageAck'), [{ status: 'processed', taskIds: [taskId] }]);
    t.match(messagesOf(sent, 'AgentTask'), [{ taskId, attempt: 2, epoch: 2 }]);
    world.advance(1_000);
    t.match(client.query(taskId), { state: 'dead', error: { name: 'TIMEOUT' }, attempts: 2 });
    t.equal(world.core.counters.timedOut, 2);
  },
);

void t.test('an agent that never answers a cancel gets its credit back after a while', async (t) => {
  const { world, agent, client } = pair();
  client.submit({ timeoutMs: 1_000, attempts: 1 });
  agent.takeTask();
  client.submit();
  world.advance(10_999);
  agent.heartbeat();
  t.strictSame(agent.takeTasks(), []);
  world.advance(1);
  t.equal(agent.takeTasks().length, 1);
});

void t.test('a result that crosses the cancel frees the credit and is refused', async (t) => {
  const { world, agent, client } = pair();
  const taskId = client.submit();
  const lease = agent.takeTask();
  t.match(client.cancel(taskId), [
    { message: { type: 'MessageAck', status: 'processed', taskIds: [taskId] } },
  ]);
  const next = client.submit();
  t.match(messagesOf(world.take(agent.connectionId), 'AgentTask'), []);
  agent.complete(lease);
  const sent = world.take(agent.connectionId);
  t.match(messagesOf(sent, 'ErrorReport'), [{ name: 'TASK_FINISHED', taskId }]);
  t.match(messagesOf(sent, 'AgentTask'), [{ taskId: next }]);
  t.equal(client.query(taskId).state, 'cancelled');
});

void t.test('an agent may give a task back: it goes elsewhere, without backoff', async (t) => {
  const { world, agent, client } = pair();
  const taskId = client.submit();
  const lease = agent.takeTask();
  const other = world.agent('a2');
  other.ack();
  agent.say({ type: 'DrainNotice', reason: 'bye', deadlineMs: 0 });
  agent.say(completion(lease, { outcome: 'cancelled' }));
  t.match(acks(world, agent), [{ status: 'processed', taskIds: [taskId] }]);
  t.match(other.takeTask(), { taskId, attempt: 2 });
});

void t.test('a lost agent uses up an attempt, and the last one kills the task', async (t) => {
  const { world, agent, client } = pair();
  const taskId = client.submit({ attempts: 1 });
  agent.takeTask();
  world.lose(agent.connectionId);
  world.advance(60_000);
  t.match(client.query(taskId), { state: 'dead', error: { name: 'AGENT_LOST', retryable: true } });
});

void t.test(
  'a task that failed or was lost goes to another agent when there is one with credit',
  async (t) => {
    const { world, agent, client } = pair(5);
    const other = world.agent('a2', { concurrency: 1 });
    other.ack();
    const failing = client.submit({ priority: 9 });
    const lease = agent.takeTask();
    client.submit();
    const busy = other.takeTask();
    agent.fail(lease, true);
    world.advance(375);
    const again = agent.takeTask();
    t.equal(again.taskId, failing, 'the other one has no credit');
    agent.fail(again, true);
    other.complete(busy);
    world.advance(750);
    t.match(other.takeTask(), { taskId: failing, attempt: 3 });
    const lost = client.submit();
    t.equal(agent.takeTask().taskId, lost);
    world.lose(agent.connectionId, true);
    world.agent('a1', { concurrency: 5 }).ack();
    const third = world.agent('a3', { concurrency: 1 });
    third.ack();
    t.match(world.store.get(lost)?.agentId, 'a1', 'the only one with credit at that time');
  },
);

void t.test('a requeued task goes before those of its priority that wait', async (t) => {
  const { world, agent, client } = pair();
  const first = client.submit();
  client.submit();
  world.lose(agent.connectionId, true);
  const other = world.agent('a2');
  other.ack();
  t.equal(other.takeTask().taskId, first);
});

void t.test('progress makes a lease a running one; of another epoch it is ignored', async (t) => {
  const { agent, client } = pair();
  const taskId = client.submit();
  const { epoch } = agent.takeTask();
  agent.say({ type: 'TaskProgress', taskId, epoch: epoch + 1, fraction: 0.9 });
  t.equal(client.query(taskId).state, 'leased');
  agent.say({ type: 'TaskProgress', taskId, epoch, fraction: 0.25 });
  agent.say({ type: 'TaskProgress', taskId, epoch, fraction: 0.5 });
  t.match(client.query(taskId), { state: 'running', progress: 0.5 });
  agent.say({ type: 'TaskProgress', taskId: 'never', epoch, fraction: 0.5 });
  t.strictSame(agent.errors(), []);
});

void t.test('a lease times out also while its agent is away', async (t) => {
  const { world, agent, client } = pair();
  const { sessionToken } = world.core.state.registry.get('a1')
    ? { sessionToken: 'token-1' }
    : { sessionToken: '' };
  const taskId = client.submit({ timeoutMs: 5_000, attempts: 1 });
  const lease = agent.takeTask();
  world.lose(agent.connectionId);
  world.advance(5_000);
  t.equal(client.query(taskId).state, 'dead');
  const back = world.agent('a1', { sessionToken, leases: [lease] });
  t.match(back.ack(), { resumed: true, abortedTasks: [{ taskId, epoch: 1 }] });
});

void t.test(
  'experiences are stored and acknowledged by their id; an agent speaks for itself only',
  async (t) => {
    const { world, agent } = pair();
    const experience: MessageOf<'ReasoningExperience'> = {
      type: 'ReasoningExperience',
      experienceId: 'e1',
      agentId: 'a1',
      action: 'match',
      context: {},
      outcome: { value: 1, confidence: 1, latencyMs: 1 },
      recordedAt: 5,
    };
    agent.say(experience);
    t.match(acks(world, agent), [{ status: 'processed', requestIds: [], taskIds: ['e1'] }]);
    const { type: _, ...fields } = experience;
    t.match(world.stored.at(-1), {
      op: 'append-experience',
      experience: { ...fields, recordedAt: world.now, receivedAt: world.now },
    });
    agent.say({ ...experience, agentId: 'a2' });
    t.strictSame(agent.errors(), ['BAD_FIELD']);
  },
);

void t.test('gradients of nothing are refused by name; messages of a client too', async (t) => {
  const { agent } = pair();
  agent.say({
    type: 'NeuralGradients',
    taskId: 't',
    attempt: 1,
    epoch: 1,
    runMs: 1,
    modelVersion: 1,
    batchSize: 1,
    loss: 1,
    encoding: 'float32',
  });
  t.strictSame(agent.errors(), ['UNKNOWN_TASK']);
  agent.say({ type: 'SubmitTask', requestId: 1, kind: 'compute', watch: false });
  t.strictSame(agent.errors(), ['UNEXPECTED_MESSAGE']);
  agent.say({ type: 'ErrorReport', code: 1, name: 'X', message: 'hm' });
  agent.say({ type: 'MessageAck', status: 'received', requestIds: [], taskIds: [] });
  t.strictSame(agent.errors(), []);
});
