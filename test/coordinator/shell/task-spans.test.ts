import t from 'tap';
import { TaskSpans } from '../../../src/coordinator/shell/task-spans.js';
import { readTraceparent } from '../../../src/protocol/traceparent.js';
import { SpanList } from '../../support/span-list.js';
import { START, World } from '../core/world.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SUBMITTER = '00f067aa0ba902b7';
const GIVEN = { traceparent: `00-${TRACE}-${SUBMITTER}-03` };

/** A world whose tasks are traced, and go on being so after a restart. */
function traced(world = new World(), list = new SpanList()) {
  const spans = new TaskSpans(list);
  world.core.observeTasks(spans.observe);
  const toldTo = (taskId: string) => {
    const task = world.core.taskBehind(taskId);
    return task === undefined ? null : readTraceparent(spans.traceparent(task));
  };
  return { world, list, toldTo };
}

t.test('a task, its wait and its attempt are in the trace that it was submitted with', async (t) => {
  const { world, list, toldTo } = traced();
  const taskId = world.client().submit(GIVEN);
  world.advance(100);
  const agent = world.agent('a1');
  agent.ack();
  const [lease] = agent.takeTasks();
  t.equal(lease?.traceparent, GIVEN.traceparent, 'the core hands it on as it came');
  const told = toldTo(taskId);
  world.advance(50);
  if (lease !== undefined) agent.complete(lease);
  const [task, queue, attempt] = ['task', 'queue', 'attempt'].map((name) => list.one(`${name} compute`));
  t.match(task, {
    traceId: TRACE,
    parent: { traceId: TRACE, spanId: SUBMITTER },
    startedAt: START,
    endedAt: START + 150,
    attributes: { 'messaging.message.id': taskId, 'swarm.task.state': 'completed', 'swarm.task.attempts': 1 },
    error: null,
  });
  const below = { traceId: TRACE, parent: { traceId: TRACE, spanId: task?.spanId } };
  t.match(queue, { ...below, startedAt: START, endedAt: START + 100 });
  t.match(attempt, {
    ...below,
    startedAt: START + 100,
    endedAt: START + 150,
    attributes: { 'swarm.task.attempt': 1, 'swarm.agent.id': 'a1', 'swarm.attempt.outcome': 'completed' },
  });
  t.strictSame(told, { traceId: TRACE, spanId: attempt?.spanId, flags: 3 }, 'the agent is told the attempt');
  t.equal(new Set(list.spans.map(({ spanId }) => spanId)).size, 3);
});

t.test('every attempt has a span, with what went wrong', async (t) => {
  const { world, list } = traced();
  const taskId = world.client().submit({ attempts: 3, timeoutMs: 1_000 });
  const agent = world.agent('a1');
  agent.ack();
  const [first] = agent.takeTasks();
  if (first !== undefined) agent.fail(first, true);
  world.advance(100_000);
  world.lose(agent.connectionId);
  world.advance(100_000);
  const second = world.agent('a2');
  second.ack();
  second.takeTasks();
  world.advance(1_000);
  const attempts = list.named('attempt compute');
  t.match(
    attempts.map(({ error, attributes }) => [
      attributes['swarm.task.attempt'],
      attributes['swarm.attempt.outcome'],
      error?.name,
    ]),
    [
      [1, 'failed', 'BOOM'],
      [2, 'timeout', 'TIMEOUT'],
      [3, 'timeout', 'TIMEOUT'],
    ],
  );
  const task = list.one('task compute');
  t.match(task, { parent: null, error: { name: 'TIMEOUT' }, attributes: { 'swarm.task.state': 'dead' } });
  t.same(
    attempts.map(({ parent }) => parent?.spanId),
    attempts.map(() => task.spanId),
  );
  const waits = list.named('queue compute');
  t.equal(waits.length, 3);
  t.ok(waits.every(({ startedAt, endedAt }) => startedAt <= endedAt));
  t.ok(
    (waits[1]?.startedAt ?? 0) > (attempts[0]?.endedAt ?? Infinity),
    'the backoff is no wait for an agent',
  );

  world.client().retry(taskId);
  const [last] = second.takeTasks();
  if (last !== undefined) second.complete(last);
  const retry = list.one('retry compute');
  t.match(retry, { parent: { spanId: task.spanId }, error: null });
  t.equal(list.named('task compute').length, 1, 'what was told is not told twice');
});

t.test('a trace goes on over a restart of the coordinator', async (t) => {
  const before = traced();
  before.world.client().submit(GIVEN);
  const other = before.world.client().submit();
  const one = before.world.agent('a1', { concurrency: 2 });
  one.ack();
  const [first] = one.takeTasks();
  if (first !== undefined) one.fail(first, true);
  const after = traced(before.world.restart(), before.list);
  after.world.advance(100_000);
  const agent = after.world.agent('a2', { concurrency: 2 });
  agent.ack();
  const leases = agent.takeTasks();
  t.equal(leases.find(({ taskId }) => taskId !== other)?.traceparent, GIVEN.traceparent, 'it was stored');
  for (const lease of leases) agent.complete(lease);
  const mine = before.list.spans.filter(({ traceId }) => traceId === TRACE);
  const task = mine.find(({ name }) => name === 'task compute');
  t.match(task, { parent: { spanId: SUBMITTER }, attributes: { 'swarm.task.attempts': 2 } });
  const attempts = mine.filter(({ name }) => name === 'attempt compute');
  t.equal(attempts.length, 2);
  t.ok(attempts.every(({ parent }) => parent?.spanId === task?.spanId));
});

t.test('what is not sampled makes no spans, and agents are told so', async (t) => {
  const { world, list, toldTo } = traced(new World(), new SpanList(() => false));
  const taskId = world.client().submit(GIVEN);
  const agent = world.agent('a1');
  agent.ack();
  t.match(toldTo(taskId), { traceId: TRACE, flags: 2 });
  const [lease] = agent.takeTasks();
  if (lease !== undefined) agent.complete(lease);
  t.strictSame(list.spans, []);
});

t.test('ids of zeros are refused by name, and nothing is submitted', async (t) => {
  const { world } = traced();
  const client = world.client();
  const traceparent = `00-${'0'.repeat(32)}-${SUBMITTER}-01`;
  world.say(client.connectionId, {
    type: 'SubmitTask',
    requestId: 7,
    kind: 'compute',
    watch: false,
    traceparent,
  });
  t.match(world.takeType(client.connectionId, 'ErrorReport'), [
    {
      type: 'ErrorReport',
      name: 'BAD_FIELD',
      requestId: 7,
      field: '/traceparent',
      message: /trace id of zeros/,
    },
  ]);
  t.equal(world.core.counters.submitted, 0);
});
