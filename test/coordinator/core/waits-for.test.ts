import t from 'tap';
import { World } from './world.js';

const reasonOf = (world: World, taskId: string, client = world.client()) => client.query(taskId).waitsFor;

void t.test(
  'no agent takes the kind; none of those that do is ready; all their places are taken',
  async (t) => {
    const world = new World();
    const client = world.client();
    const taskId = client.submit();
    t.match(reasonOf(world, taskId), { reason: 'no-agent', detail: /no agent takes 'compute'/ });
    const agent = world.agent('a1', { concurrency: 2 });
    agent.ack();
    t.equal(reasonOf(world, taskId), undefined, 'it has been given out');
    client.submit();
    const third = client.submit();
    t.match(reasonOf(world, third), { reason: 'no-credit', detail: /the 2 places of 1 agent / });
    world.lose(agent.connectionId);
    t.match(reasonOf(world, third), { reason: 'no-agent', detail: /connected and ready/ });
  },
);

void t.test('a delay and a backoff say until when', async (t) => {
  const world = new World();
  const client = world.client();
  const delayed = client.submit({ delayMs: 5_000 });
  const until = new Date(world.now + 5_000).toISOString();
  t.match(reasonOf(world, delayed), { reason: 'delayed', detail: new RegExp(until) });
  const agent = world.agent('a1');
  agent.ack();
  const failing = client.submit();
  agent.fail(agent.takeTask(), true);
  const { notBefore = 0, waitsFor } = client.query(failing);
  t.match(waitsFor, { reason: 'backoff', detail: /BOOM/ });
  t.ok(waitsFor?.detail.includes(new Date(notBefore).toISOString()));
});

void t.test('limits of the kind', async (t) => {
  const kindLimits = new Map([
    ['compute', { concurrency: 1, perSecond: null }],
    ['other', { concurrency: null, perSecond: 1 }],
  ]);
  const world = new World({ kindLimits }, { admit: () => ({ ok: true }) });
  const agent = world.agent('a1', { concurrency: 10, kinds: ['compute', 'other'] });
  agent.ack();
  const client = world.client();
  client.submit();
  t.match(reasonOf(world, client.submit()), { reason: 'kind-concurrency', detail: /^1 of 'compute'/ });
  client.submit({ kind: 'other' });
  t.match(reasonOf(world, client.submit({ kind: 'other' })), { reason: 'rate-limited' });
});

void t.test('a drain, and a store that is down', async (t) => {
  const world = new World();
  const client = world.client();
  const taskId = client.submit();
  world.autoCommit = false;
  client.send();
  world.failCommit('disk full');
  t.match(reasonOf(world, taskId, client), { reason: 'store-down', detail: /disk full/ });
  world.autoCommit = true;
  world.advance(2_000);
  world.turn({ type: 'drain', deadlineMs: 1_000, reason: 'stop' });
  t.match(reasonOf(world, taskId, client), { reason: 'draining' });
});

void t.test('lists say it too, of every state that waits, and ended tasks wait for nothing', async (t) => {
  const world = new World();
  const client = world.client();
  const [queued, delayed, cancelled] = [client.submit(), client.submit({ delayMs: 9_000 }), client.submit()];
  client.cancel(cancelled);
  const reasons = new Map(client.list().tasks.map((task) => [task.taskId, task.waitsFor?.reason]));
  t.strictSame(
    reasons,
    new Map([
      [cancelled, undefined],
      [delayed, 'delayed'],
      [queued, 'no-agent'],
    ]),
  );
  t.match(client.list({ state: 'delayed' }).tasks, [{ waitsFor: { reason: 'delayed' } }]);
  world.advance(9_000);
  const overdue = client.list({ state: 'queued' }).tasks;
  t.strictSame(
    overdue.map((task) => task.waitsFor?.reason),
    ['no-agent', 'no-agent'],
  );
});
