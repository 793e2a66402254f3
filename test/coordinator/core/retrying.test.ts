import t from 'tap';
import { messagesOf, World, type AgentDouble, type ClientDouble } from './world.js';

/** RetryTask, and what clients may still ask of tasks that only the store knows. */

/** With `forget`, finished tasks leave memory at once. */
function setting(forget: boolean): { world: World; agent: AgentDouble; client: ClientDouble } {
  const world = new World(forget ? { cache: { count: 0, ageMs: 1, bytes: 0 } } : {});
  const agent = world.agent('a1');
  agent.ack();
  return { world, agent, client: world.client() };
}

for (const forget of [false, true]) {
  const where = forget ? 'in the store' : 'in memory';

  void t.test(`a failed, dead or cancelled task ${where} is retried with all its attempts`, async (t) => {
    const { world, agent, client } = setting(forget);
    const taskId = client.submit({ attempts: 1 }, new Uint8Array([4, 2]));
    agent.fail(agent.takeTask(), true);
    t.equal(client.query(taskId).state, 'dead');
    t.match(client.retry(taskId), [
      { message: { type: 'MessageAck', status: 'received', taskIds: [taskId] } },
    ]);
    const [sent] = world.take(agent.connectionId).filter(({ message }) => message.type === 'AgentTask');
    t.match(sent?.message, { taskId, attempt: 1 });
    t.strictSame([...(sent?.payload ?? [])], [4, 2], 'with its input');
    if (sent?.message.type !== 'AgentTask') throw new Error('a lease');
    t.ok(sent.message.epoch > 1, 'of a new epoch');
    agent.fail(sent.message, false);
    t.equal(client.query(taskId).state, 'failed');
    client.retry(taskId);
    agent.takeTask();
    client.cancel(taskId);
    t.equal(client.query(taskId).state, 'cancelled');
    client.retry(taskId);
    world.advance(20_000);
    agent.heartbeat();
    const last = agent.takeTask();
    agent.complete(last);
    t.match(client.query(taskId), { state: 'completed', attempts: 1, maxAttempts: 1 });
    const counts = world.core.state.tasks.countByState();
    t.match(counts, { completed: 1, dead: 0, failed: 0, cancelled: 0, queued: 0 });
    t.equal(world.core.counters.revived, 3);
  });

  void t.test(`two retries of a task ${where} at once do it once`, async (t) => {
    const { world, agent, client } = setting(forget);
    const taskId = client.submit({ attempts: 1 });
    agent.fail(agent.takeTask(), true);
    const other = world.client();
    world.autoCommit = false;
    world.autoRead = false;
    t.strictSame(client.retry(taskId), [], 'nothing is said before it is stored');
    t.strictSame(other.retry(taskId), []);
    world.autoRead = true;
    world.answerReads();
    t.strictSame(agent.takeTasks(), [], 'nor is anything done');
    world.autoCommit = true;
    world.turn({ type: 'flush' });
    t.match(world.take(client.connectionId), [{ message: { type: 'MessageAck', status: 'received' } }]);
    t.match(world.take(other.connectionId), [
      { message: { type: 'ErrorReport', name: 'TASK_NOT_RETRYABLE', taskId } },
    ]);
    t.equal(agent.takeTasks().length, 1);
    t.equal(world.core.counters.storeConflicts, 0, 'which is nothing to worry about');
  });

  void t.test(`a completed task ${where} is not retried, and an ended one not cancelled`, async (t) => {
    const { agent, client } = setting(forget);
    const done = client.submit();
    agent.complete(agent.takeTask());
    t.match(client.retry(done), [{ message: { name: 'TASK_NOT_RETRYABLE', message: /completed/ } }]);
    t.match(client.cancel(done), [{ message: { name: 'TASK_FINISHED', message: /completed/ } }]);
    const dead = client.submit({ attempts: 1 });
    agent.fail(agent.takeTask(), true);
    t.match(client.cancel(dead), [{ message: { name: 'TASK_FINISHED', message: /dead/ } }]);
  });
}

void t.test('what is not at its end is not retried; what nobody knows is said to be unknown', async (t) => {
  const { world, agent, client } = setting(false);
  const held = client.submit();
  const waiting = client.submit();
  t.match(client.retry(held), [{ message: { name: 'TASK_NOT_RETRYABLE', message: /leased/ } }]);
  t.match(client.retry(waiting), [{ message: { name: 'TASK_NOT_RETRYABLE', message: /queued/ } }]);
  t.match(client.retry('never'), [{ message: { name: 'UNKNOWN_TASK', taskId: 'never' } }]);
  t.match(client.cancel('never'), [{ message: { name: 'UNKNOWN_TASK', taskId: 'never' } }]);
  agent.fail(agent.takeTask(), false);
  world.store.rows.delete(held);
  t.match(client.retry(held), [{ message: { name: 'UNKNOWN_TASK' } }], 'pruned while memory had it');
});

void t.test(
  'a retry is new work: refused when the queue is full, and while the coordinator drains',
  async (t) => {
    const world = new World({ maxQueue: 1 });
    const agent = world.agent('a1');
    agent.ack();
    const client = world.client();
    const taskId = client.submit();
    agent.fail(agent.takeTask(), false);
    client.submit();
    client.submit();
    t.match(client.retry(taskId), [{ message: { name: 'QUEUE_FULL' } }]);
    world.turn({ type: 'drain', deadlineMs: 1_000, reason: 'bye' });
    world.take(client.connectionId);
    t.match(client.retry(taskId), [{ message: { name: 'DRAINING' } }]);
  },
);

void t.test('who watches hears of the end, of the retry, and of the next end', async (t) => {
  const { world, agent, client } = setting(false);
  const taskId = client.submit({ watch: true, attempts: 1 });
  agent.fail(agent.takeTask(), true);
  t.match(world.takeType(client.connectionId, 'TaskUpdate'), [{ task: { state: 'dead' } }]);
  world.autoCommit = false;
  client.retry(taskId);
  client.ask({ type: 'WatchTask', requestId: 70, taskId });
  world.autoCommit = true;
  world.turn({ type: 'flush' });
  t.match(world.takeType(client.connectionId, 'TaskUpdate'), [
    { requestId: 70, task: { state: 'queued', attempts: 0 } },
  ]);
  agent.complete(agent.takeTask());
  t.match(world.takeType(client.connectionId, 'TaskUpdate'), [
    { requestId: 70, task: { state: 'completed' } },
  ]);
});

void t.test('a query tells the whole story, of a task in memory and of one that is not', async (t) => {
  for (const forget of [false, true]) {
    const { world, agent, client } = setting(forget);
    const story = (taskId: string) => {
      const sent = client.ask({ type: 'QueryTask', requestId: 5, taskId });
      return messagesOf(sent, 'TaskUpdate')[0]?.history;
    };
    const taskId = client.submit({ attempts: 2 });
    const lease = agent.takeTask();
    agent.say({ type: 'TaskProgress', taskId, epoch: lease.epoch, fraction: 0.5 });
    t.match(story(taskId), [
      { event: 'submit', at: world.now },
      { event: 'lease', attempt: 1, agentId: 'a1' },
      { event: 'progress', at: world.now },
    ]);
    agent.fail(lease, true);
    world.advance(500);
    agent.fail(agent.takeTask(), true);
    t.match(story(taskId), [
      { event: 'submit' },
      { event: 'lease', attempt: 1 },
      { event: 'fail', detail: /^BOOM: / },
      { event: 'lease', attempt: 2, agentId: 'a1' },
      { event: 'fail', detail: /^BOOM: / },
    ]);
    t.notOk(
      messagesOf(client.ask({ type: 'WatchTask', requestId: 6, taskId }), 'TaskUpdate')[0]?.history,
      'who watches does not ask for it',
    );
  }
});

void t.test('when the store cannot be read, memory answers as far as it can', async (t) => {
  const { world, client } = setting(false);
  const taskId = client.submit();
  world.autoRead = false;
  client.ask({ type: 'QueryTask', requestId: 5, taskId });
  const [lookup] = world.lookups.splice(0);
  world.turn({ type: 'found', lookupId: lookup?.lookupId ?? -1, task: null });
  t.match(world.take(client.connectionId), [{ message: { type: 'TaskUpdate', task: { taskId } } }]);
  world.autoCommit = false;
  client.send();
  world.failCommit('no space left');
  world.take(client.connectionId);
  for (const type of ['QueryTask', 'RetryTask'] as const) {
    client.ask({ type, requestId: 6, taskId: 'other' });
    const [open] = world.lookups.splice(0);
    world.turn({ type: 'found', lookupId: open?.lookupId ?? -1, task: null });
    t.match(world.take(client.connectionId), [
      { message: { name: 'STORE_UNAVAILABLE', requestId: 6, message: /no space left/ } },
    ]);
  }
});
