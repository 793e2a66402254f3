import t from 'tap';
import { messagesOf, World } from './world.js';

void t.test('a submit is stored, then acknowledged', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoCommit = false;
  const requestId = client.send({ priority: 7, timeoutMs: 99, attempts: 2, affinity: 'a', delayMs: 500 });
  t.strictSame(world.take(client.connectionId), []);
  t.match(world.waiting?.ops, [
    {
      op: 'submit',
      spec: {
        kind: 'compute',
        priority: 7,
        timeoutMs: 99,
        maxAttempts: 2,
        affinity: 'a',
        idempotencyKey: null,
      },
      notBefore: world.now + 500,
    },
  ]);
  world.commit();
  t.match(world.takeType(client.connectionId, 'MessageAck'), [
    { status: 'received', requestIds: [requestId], taskIds: ['task-000001'] },
  ]);
  t.match(client.query('task-000001'), { state: 'delayed', priority: 7, submittedAt: world.now });
});

void t.test('what a submit leaves out has defaults', async (t) => {
  const world = new World({ taskTimeoutMs: 4321 });
  world.client().submit();
  t.match(world.stored.at(-1), {
    spec: { priority: 5, maxAttempts: 3, timeoutMs: 4321, affinity: null },
    notBefore: null,
  });
});

void t.test('submits of one turn are one commit and one acknowledgement, in order', async (t) => {
  const world = new World();
  const client = world.client();
  for (const requestId of [11, 12, 13]) {
    const message = { type: 'SubmitTask', requestId, kind: 'compute', watch: false } as const;
    world.event({ type: 'message', connectionId: client.connectionId, message });
  }
  world.turn({ type: 'flush' });
  t.match(world.takeType(client.connectionId, 'MessageAck'), [
    { status: 'received', requestIds: [11, 12, 13], taskIds: ['task-000001', 'task-000002', 'task-000003'] },
  ]);
});

void t.test('very many acknowledgements are cut into messages of a thousand', async (t) => {
  const world = new World({ maxQueue: 5_000 });
  const client = world.client();
  const { connectionId } = client;
  for (let requestId = 0; requestId < 1_500; requestId++) {
    const message = { type: 'SubmitTask', requestId, kind: 'compute', watch: false } as const;
    world.core.handle({ type: 'message', connectionId, message }, world.now);
  }
  world.turn({ type: 'flush' });
  const acks = world.takeType(connectionId, 'MessageAck');
  t.strictSame(
    acks.map((ack) => ack.requestIds.length),
    [1_000, 500],
  );
  t.strictSame(
    acks.flatMap((ack) => ack.requestIds),
    Array.from({ length: 1_500 }, (_, i) => i),
  );
});

void t.test('dispatch does not wait for the commit, the acknowledgement does', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  client.send({ watch: true });
  const lease = agent.takeTask();
  agent.complete(lease);
  t.strictSame(world.take(client.connectionId), []);
  while (world.waiting !== null) world.commit();
  t.match(
    world.take(client.connectionId).map(({ message }) => message.type),
    ['MessageAck', 'TaskUpdate'],
    'accepted first, then done',
  );
});

void t.test('a watched task ends with an update that carries the result', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const requestId = client.send({ watch: true });
  world.take(client.connectionId);
  agent.complete(agent.takeTask(), new Uint8Array([5, 6]));
  const [update] = world.take(client.connectionId);
  t.match(update?.message, {
    type: 'TaskUpdate',
    requestId,
    task: { state: 'completed', agentId: 'a1', attempts: 1, runMs: 5 },
  });
  t.strictSame([...(update?.payload ?? [])], [5, 6]);
});

void t.test('WatchTask answers now and at the end; of a finished task only once', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const taskId = client.submit();
  const watcher = world.client();
  t.match(watcher.ask({ type: 'WatchTask', requestId: 4, taskId }), [
    { message: { type: 'TaskUpdate', task: { state: 'leased' } } },
  ]);
  agent.complete(agent.takeTask());
  t.match(world.take(watcher.connectionId), [
    { message: { type: 'TaskUpdate', requestId: 4, task: { state: 'completed' } } },
  ]);
  t.match(watcher.ask({ type: 'WatchTask', requestId: 5, taskId }), [
    { message: { requestId: 5, task: { state: 'completed' } } },
  ]);
  t.strictSame(world.take(client.connectionId), [], 'who did not ask is not told');
});

void t.test('a query is not answered with what is not yet stored', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const taskId = client.submit();
  world.autoCommit = false;
  agent.complete(agent.takeTask());
  t.equal(client.query(taskId).state, 'leased');
  t.strictSame(client.ask({ type: 'WatchTask', requestId: 8, taskId }), []);
  while (world.waiting !== null) world.commit();
  t.match(world.take(client.connectionId), [
    { message: { type: 'TaskUpdate', requestId: 8, task: { state: 'completed' } } },
  ]);
  t.equal(client.query(taskId).state, 'completed');
});

void t.test('watchers of one task are bounded; those who left make room', async (t) => {
  const world = new World();
  const client = world.client();
  const taskId = client.submit();
  const other = world.client();
  for (let requestId = 0; requestId < 1_024; requestId++) other.ask({ type: 'WatchTask', requestId, taskId });
  t.match(client.ask({ type: 'WatchTask', requestId: 1, taskId }).at(-1), {
    message: { type: 'ErrorReport', name: 'TOO_MANY_REQUESTS' },
  });
  world.lose(other.connectionId);
  t.match(client.ask({ type: 'WatchTask', requestId: 1, taskId }).at(-1), {
    message: { type: 'TaskUpdate' },
  });
});

void t.test('one idempotency key, one task', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 4 });
  agent.ack();
  const client = world.client();
  const taskId = client.submit({ idempotencyKey: 'k' });
  t.equal(client.submit({ idempotencyKey: 'k' }), taskId);
  t.not(client.submit({ idempotencyKey: 'other' }), taskId);
  t.equal(agent.takeTasks().length, 2);
  t.equal(world.stored.filter((op) => op.op === 'submit').length, 2);
});

void t.test('a repeated key while the first is being stored waits with it', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  client.send({ idempotencyKey: 'k' });
  client.send({ idempotencyKey: 'k', watch: true });
  t.strictSame(world.take(client.connectionId), []);
  t.strictSame(agent.takeTasks(), [], 'the store may yet know the key');
  world.commit();
  const lease = agent.takeTask();
  while (world.waiting !== null) world.commit();
  const acks = world.takeType(client.connectionId, 'MessageAck');
  t.strictSame(
    acks.flatMap((ack) => ack.requestIds),
    [1, 2],
  );
  t.strictSame(new Set(acks.flatMap((ack) => ack.taskIds)).size, 1);
  world.autoCommit = true;
  agent.complete(lease);
  t.match(world.takeType(client.connectionId, 'TaskUpdate'), [
    { requestId: 2, task: { state: 'completed' } },
  ]);
});

void t.test('a repeated key of a finished task answers with its end', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  const taskId = client.submit({ idempotencyKey: 'k' });
  agent.complete(agent.takeTask());
  t.equal(client.submit({ idempotencyKey: 'k', watch: true }), taskId);
  t.match(world.takeType(client.connectionId, 'TaskUpdate'), [{ task: { taskId, state: 'completed' } }]);
});

void t.test('a key that only the store remembers gives its task', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.decide = (op) =>
    op.op === 'submit' ? { status: 'duplicate', taskId: 'old' } : { status: 'applied' };
  const client = world.client();
  world.autoRead = false;
  t.equal(client.submit({ idempotencyKey: 'k', watch: true }), 'old');
  t.strictSame(agent.takeTasks(), []);
  t.equal(world.core.state.tasks.size, 0);
  t.match(world.lookups, [{ taskId: 'old' }]);
});

void t.test('kinds: built in, or offered by an agent that is known; else refused', async (t) => {
  const world = new World();
  const client = world.client();
  const requestId = client.send({ kind: 'mine' });
  t.match(world.take(client.connectionId), [
    { message: { type: 'ErrorReport', name: 'UNKNOWN_KIND', requestId } },
  ]);
  const agent = world.agent('a1', { kinds: ['mine'] });
  agent.ack();
  client.submit({ kind: 'mine' });
  world.lose(agent.connectionId);
  client.submit({ kind: 'mine' });
  world.advance(60_000);
  client.send({ kind: 'mine' });
  t.match(world.take(client.connectionId), [{ message: { name: 'UNKNOWN_KIND' } }]);
});

void t.test('a bad input is refused with the place of the fault', async (t) => {
  const world = new World(
    {},
    { admit: () => ({ ok: false, name: 'BAD_INPUT', message: 'series: is empty', field: 'series' }) },
  );
  world.agent('a1', { kinds: ['compute'] });
  const client = world.client();
  client.send();
  t.match(world.take(client.connectionId), [
    {
      message: {
        type: 'ErrorReport',
        name: 'BAD_INPUT',
        message: 'series: is empty',
        field: 'series',
        messageType: 'SubmitTask',
      },
    },
  ]);
  t.equal(world.core.state.tasks.size, 0);
});

void t.test('a full queue refuses in plain words, and takes again when there is room', async (t) => {
  const world = new World({ maxQueue: 2, maxQueueBytes: 10 });
  const client = world.client();
  const first = client.submit();
  client.submit();
  client.send();
  t.match(world.take(client.connectionId), [
    { message: { name: 'QUEUE_FULL', message: /2 tasks wait.*--max-queue \(2\)/ } },
  ]);
  client.cancel(first);
  client.send({}, new Uint8Array(8));
  t.match(world.take(client.connectionId), [{ message: { name: 'QUEUE_FULL', message: /3 of 10 bytes/ } }]);
  client.submit({}, new Uint8Array(7));
});

void t.test('cancel: a waiting task ends at once, a running one too, and its agent is told', async (t) => {
  const world = new World();
  const client = world.client();
  const waiting = client.submit();
  const delayed = client.submit({ delayMs: 1_000 });
  for (const taskId of [waiting, delayed]) {
    t.match(client.cancel(taskId), [
      { message: { type: 'MessageAck', status: 'processed', taskIds: [taskId] } },
    ]);
    t.equal(client.query(taskId).state, 'cancelled');
  }
  world.advance(2_000);
  const agent = world.agent('a1');
  agent.ack();
  t.strictSame(agent.takeTasks(), []);
  client.send({ watch: true });
  const { taskId } = agent.takeTask();
  world.take(client.connectionId);
  const sent = client.cancel(taskId).map(({ message }) => message);
  t.match(sent, [{ type: 'MessageAck' }, { type: 'TaskUpdate', task: { state: 'cancelled' } }]);
  t.match(world.take(agent.connectionId), [
    { message: { type: 'CancelTask', taskId, epoch: 1, reason: 'cancelled' } },
  ]);
  t.match(client.cancel(taskId), [{ message: { name: 'TASK_FINISHED', taskId } }]);
  t.match(client.cancel('never'), [{ message: { name: 'UNKNOWN_TASK', taskId: 'never' } }]);
});

void t.test('a cancel is not acknowledged before it is stored', async (t) => {
  const world = new World();
  const client = world.client();
  const taskId = client.submit();
  world.autoCommit = false;
  t.strictSame(client.cancel(taskId), []);
  world.commit();
  t.match(world.take(client.connectionId), [{ message: { status: 'processed' } }]);
});

void t.test('a delayed task is dispatched when its time has come', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  world.client().submit({ delayMs: 5_000 });
  world.advance(4_999);
  t.strictSame(agent.takeTasks(), []);
  world.advance(1);
  t.equal(agent.takeTasks().length, 1);
});

void t.test('finished tasks are forgotten by number and by age; then the store is asked', async (t) => {
  const world = new World({ cache: { count: 2, ageMs: 1_000, bytes: 1_000 } });
  const client = world.client();
  const ids = [client.submit(), client.submit(), client.submit()];
  for (const taskId of ids) client.cancel(taskId);
  t.equal(world.core.state.tasks.size, 2);
  world.autoRead = false;
  world.decide = () => ({ status: 'applied' });
  const [first = ''] = ids;
  t.strictSame(client.ask({ type: 'QueryTask', requestId: 5, taskId: first }), []);
  const lookupId = world.lookups[0]?.lookupId ?? -1;
  const spec = {
    taskId: first,
    kind: 'compute',
    priority: 5,
    timeoutMs: 1,
    maxAttempts: 3,
    idempotencyKey: null,
    keyHeldUntil: null,
    affinity: null,
    submittedAt: 1,
  };
  world.turn({
    type: 'found',
    lookupId,
    task: {
      spec,
      input: null,
      epoch: 1,
      attempts: 1,
      agentId: 'a9',
      leasedAt: 3,
      current: { state: 'completed', finishedAt: 9, runMs: 4, result: new Uint8Array([3]) },
      history: [{ event: 'submit', at: 1 }],
    },
  });
  const [update] = world.take(client.connectionId);
  t.match(update?.message, {
    type: 'TaskUpdate',
    requestId: 5,
    task: { taskId: first, state: 'completed', agentId: 'a9', attempts: 1, queuedMs: 2 },
  });
  t.strictSame([...(update?.payload ?? [])], [3]);
  world.advance(1_000);
  t.equal(world.core.state.tasks.size, 0);
  t.equal(world.core.nextDeadline(), null);
});

void t.test('results in memory are bounded by their bytes', async (t) => {
  const world = new World({ cache: { count: 100, ageMs: 1_000, bytes: 10 } });
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  for (const bytes of [6, 4, 1]) {
    client.submit();
    agent.complete(agent.takeTask(), new Uint8Array(bytes));
  }
  t.equal(world.core.state.tasks.size, 2);
});

void t.test('a task that nobody knows is an error with the request it answers', async (t) => {
  const world = new World();
  const client = world.client();
  t.match(client.ask({ type: 'QueryTask', requestId: 3, taskId: 'never' }), [
    { message: { type: 'ErrorReport', name: 'UNKNOWN_TASK', requestId: 3, taskId: 'never' } },
  ]);
});

void t.test('open lookups of one connection are bounded', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoRead = false;
  for (let requestId = 0; requestId < 1_000; requestId++)
    client.ask({ type: 'QueryTask', requestId, taskId: 'x' });
  t.match(client.ask({ type: 'QueryTask', requestId: 7, taskId: 'x' }), [
    { message: { name: 'TOO_MANY_REQUESTS', requestId: 7 } },
  ]);
});

void t.test('the status counts agents, tasks and clients', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { agentType: 'pattern' });
  agent.ack();
  const client = world.client();
  client.submit();
  client.submit();
  client.submit({ kind: 'compute', delayMs: 10 });
  agent.complete(agent.takeTask());
  const [report] = messagesOf(client.ask({ type: 'QueryStatus', requestId: 2 }), 'StatusReport');
  t.match(report, {
    requestId: 2,
    coordinatorId: 'c1',
    version: 'test 1',
    startedAt: world.now,
    now: world.now,
    draining: false,
    agents: { pattern: 1 },
    tasks: { queued: 0, delayed: 1, leased: 1, completed: 1 },
    queued: {},
    clients: 1,
    memoryBytes: 1000,
    protocolErrors: 0,
  });
});

void t.test('a client may not speak as an agent', async (t) => {
  const world = new World();
  const client = world.client();
  const message = { type: 'TaskProgress', taskId: 'x', epoch: 1, fraction: 0 } as const;
  t.match(client.ask(message), [{ message: { name: 'UNEXPECTED_MESSAGE', messageType: 'TaskProgress' } }]);
  t.strictSame(client.ask({ type: 'ErrorReport', code: 1, name: 'X', message: '' }), []);
});
