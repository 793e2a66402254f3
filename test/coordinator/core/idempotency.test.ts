import t from 'tap';
import { World } from './world.js';

/** The same key gives the same task within its window, whoever asks, and whatever is known of it by then. */

const WINDOW = 60_000;

function setting(options: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World({ idempotencyWindowMs: WINDOW, ...options });
  const agent = world.agent('a1', { concurrency: 4 });
  agent.ack();
  const wait = (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      agent.heartbeat();
      world.advance(Math.min(5_000, left));
    }
  };
  return { world, agent, client: world.client(), wait };
}

void t.test('the key is kept with the task until the end of its window', async (t) => {
  const { world, client } = setting();
  client.submit({ idempotencyKey: 'k' });
  client.submit();
  t.match(
    world.stored.filter(({ op }) => op === 'submit'),
    [
      { spec: { idempotencyKey: 'k', keyHeldUntil: world.now + WINDOW } },
      { spec: { idempotencyKey: null, keyHeldUntil: null } },
    ],
  );
});

for (const forget of [false, true]) {
  void t.test(
    `after its window a finished task ${forget ? 'in the store' : 'in memory'} gives its key up`,
    async (t) => {
      const { agent, client, wait } = setting(forget ? { cache: { count: 0, ageMs: 1, bytes: 0 } } : {});
      const first = client.submit({ idempotencyKey: 'k' });
      agent.complete(agent.takeTask());
      wait(WINDOW - 1);
      t.equal(client.submit({ idempotencyKey: 'k' }), first);
      t.strictSame(agent.takeTasks(), []);
      wait(1);
      const second = client.submit({ idempotencyKey: 'k' });
      t.not(second, first);
      t.equal(client.submit({ idempotencyKey: 'k' }), second);
      t.equal(agent.takeTask().taskId, second);
    },
  );
}

void t.test('an unfinished task holds its key however long it takes', async (t) => {
  const { agent, client, wait } = setting();
  const first = client.submit({ idempotencyKey: 'k', timeoutMs: 10 * WINDOW });
  const lease = agent.takeTask();
  wait(2 * WINDOW);
  t.equal(client.submit({ idempotencyKey: 'k' }), first);
  agent.complete(lease);
  t.not(client.submit({ idempotencyKey: 'k' }), first);
});

void t.test(
  'a task that is no longer kept is still the answer to its key; its end is not known',
  async (t) => {
    const { world, agent, client } = setting({ cache: { count: 0, ageMs: 1, bytes: 0 } });
    const first = client.submit({ idempotencyKey: 'k' });
    agent.complete(agent.takeTask());
    world.store.rows.delete(first);
    const requestId = client.send({ idempotencyKey: 'k', watch: true });
    t.match(
      world.take(client.connectionId).map(({ message }) => message),
      [
        { type: 'MessageAck', requestIds: [requestId], taskIds: [first] },
        { type: 'ErrorReport', name: 'UNKNOWN_TASK', requestId },
      ],
    );
  },
);

void t.test('after a restart a key leads to its task, finished or not', async (t) => {
  const { world: before, agent, client } = setting();
  const [done, open] = [client.submit({ idempotencyKey: 'd' }), client.submit({ idempotencyKey: 'o' })];
  const [lease] = agent.takeTasks();
  if (lease === undefined) throw new Error('a lease');
  agent.complete(lease);
  const world = before.restart({ idempotencyWindowMs: WINDOW });
  const again = world.client();
  t.equal(again.submit({ idempotencyKey: 'd' }), done);
  t.equal(again.submit({ idempotencyKey: 'o' }), open);
  again.send({ idempotencyKey: 'd', watch: true });
  t.match(world.takeType(again.connectionId, 'TaskUpdate'), [{ task: { taskId: done, state: 'completed' } }]);
});

void t.test('many keys that memory has forgotten, each several times in one turn', async (t) => {
  const { world, agent, client } = setting({ cache: { count: 0, ageMs: 1, bytes: 0 } });
  const ids = Array.from({ length: 4 }, (_, i) => client.submit({ idempotencyKey: `k${i}` }));
  for (const task of agent.takeTasks()) agent.complete(task);
  world.autoCommit = false;
  const requests = [0, 1, 2, 3, 0, 1, 2, 3].map((i) => client.send({ idempotencyKey: `k${i}` }));
  requests.push(client.send({ idempotencyKey: 'new' }));
  world.autoCommit = true;
  world.turn({ type: 'flush' });
  const answers = new Map(
    world
      .takeType(client.connectionId, 'MessageAck')
      .flatMap(({ requestIds, taskIds }) => requestIds.map((id, i) => [id, taskIds[i]] as const)),
  );
  t.strictSame(
    requests.slice(0, 8).map((id) => answers.get(id)),
    [...ids, ...ids],
  );
  t.equal(agent.takeTask().taskId, answers.get(requests[8] ?? 0));
  t.equal(world.core.state.tasks.size, 1);
});

void t.test('an older task that is retried does not take its key back', async (t) => {
  const { agent, client, wait } = setting();
  const first = client.submit({ idempotencyKey: 'k' });
  agent.fail(agent.takeTask(), false);
  wait(WINDOW);
  const second = client.submit({ idempotencyKey: 'k' });
  client.retry(first);
  t.equal(client.submit({ idempotencyKey: 'k' }), second);
});
