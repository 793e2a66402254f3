import fc from 'fast-check';
import t from 'tap';
import type { MessageOf, TaskState } from '../../../src/protocol/messages.js';
import { messagesOf, World } from './world.js';

const ids = (report: MessageOf<'TasksReport'>): string[] => report.tasks.map((task) => task.taskId);

void t.test('tasks are listed by state and kind, the newest first, page by page', async (t) => {
  const world = new World({}, { admit: () => ({ ok: true }) });
  const client = world.client();
  const all = ['compute', 'other', 'compute', 'compute', 'other'].map((kind) => client.submit({ kind }));
  const newest = [...all].reverse();
  t.strictSame(ids(client.list()), newest);
  t.match(client.list({ limit: 2 }), { more: true, tasks: [{ taskId: newest[0] }, { taskId: newest[1] }] });
  const second = client.list({ limit: 2, before: newest[1] ?? '' });
  t.strictSame([ids(second), second.more], [newest.slice(2, 4), true]);
  const last = client.list({ limit: 2, before: newest[3] ?? '' });
  t.strictSame([ids(last), last.more], [newest.slice(4), false]);
  t.strictSame(ids(client.list({ kind: 'other' })), [all[4], all[1]]);
  t.strictSame(client.list({ state: 'completed' }).tasks, []);
});

void t.test(
  'finished tasks are listed with how they ended, also when memory has forgotten them',
  async (t) => {
    const world = new World({ cache: { count: 0, ageMs: 1, bytes: 0 } });
    const agent = world.agent('a1');
    agent.ack();
    const client = world.client();
    const [good, bad] = [client.submit(), client.submit({ attempts: 1 })];
    agent.complete(agent.takeTask());
    agent.fail(agent.takeTask(), true);
    t.match(client.list({ state: 'completed' }).tasks, [
      { taskId: good, progress: 1, finishedAt: world.now },
    ]);
    t.match(client.list({ state: 'dead' }).tasks, [
      { taskId: bad, error: { name: 'BOOM' }, attempts: 1, maxAttempts: 1, finishedAt: world.now },
    ]);
  },
);

void t.test('what only memory knows is told: running, and delays and backoffs that are over', async (t) => {
  const world = new World();
  const client = world.client();
  const delayed = client.submit({ delayMs: 1_000 });
  const later = client.submit({ delayMs: 60_000 });
  const agent = world.agent('a1', { concurrency: 3 });
  agent.ack();
  const [one, two, three] = [client.submit(), client.submit(), client.submit({ attempts: 2 })];
  const leases = agent.takeTasks();
  agent.say({ type: 'TaskProgress', taskId: two, epoch: 1, fraction: 0.25 });
  const [, , third] = leases;
  if (third === undefined) throw new Error('three leases');
  agent.say({ ...{ type: 'HeartbeatMessage', sequence: 1, sentAt: 0, load: 0 }, ...IDLE, concurrency: 0 });
  agent.fail(third, true);
  t.match(client.list({ state: 'retrying' }).tasks, [{ taskId: three, notBefore: world.now + 375 }]);
  t.match(client.list({ state: 'delayed' }).tasks, [{ taskId: later }, { taskId: delayed }]);
  world.advance(1_000);
  t.strictSame(ids(client.list({ state: 'running' })), [two]);
  t.strictSame(ids(client.list({ state: 'leased' })), [one]);
  t.strictSame(ids(client.list({ state: 'retrying' })), []);
  t.strictSame(ids(client.list({ state: 'delayed' })), [later]);
  t.strictSame(
    ids(client.list({ state: 'queued' })),
    [three, delayed],
    'the store has them as something else',
  );
  const states = Object.fromEntries(client.list().tasks.map((task) => [task.taskId, task.state]));
  t.strictSame(states, {
    [delayed]: 'queued',
    [later]: 'delayed',
    [one]: 'leased',
    [two]: 'running',
    [three]: 'queued',
  });
  t.match(client.list({ state: 'running' }).tasks, [{ progress: 0.25, agentId: 'a1' }]);
});

const IDLE = { activeTasks: 0, queuedTasks: 0, memoryBytes: 0 };

void t.test('pages of the states that memory answers for are complete, whatever their size', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 7 }), (number, limit) => {
      const world = new World();
      const client = world.client();
      const all = Array.from({ length: number }, (_, i) =>
        client.submit({ delayMs: 1_000 + ((i * 7) % 11) * 100 }),
      );
      const seen: string[] = [];
      for (let before: string | undefined, more = true; more;) {
        const page = client.list({ state: 'delayed', limit, ...(before === undefined ? {} : { before }) });
        if (page.tasks.length > limit) return false;
        seen.push(...ids(page));
        before = page.tasks.at(-1)?.taskId;
        ({ more } = page);
      }
      return seen.join() === all.reverse().join();
    }),
    { numRuns: 50 },
  );
});

void t.test('a task whose submit is not stored is not listed', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  client.send();
  t.equal(agent.takeTasks().length, 1);
  for (const state of ['leased', undefined] as (TaskState | undefined)[]) {
    t.strictSame(client.list(state === undefined ? {} : { state }).tasks, []);
  }
});

void t.test('a store that cannot be read is said to be; lists in the making are bounded', async (t) => {
  const world = new World();
  const client = world.client();
  world.autoRead = false;
  client.ask({ type: 'QueryTasks', requestId: 3 });
  const [list] = world.lists.splice(0);
  world.turn({ type: 'listed', lookupId: list?.lookupId ?? -1, tasks: null });
  t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE', requestId: 3 } }]);
  for (let requestId = 0; requestId < 1_000; requestId++) client.ask({ type: 'QueryTasks', requestId });
  t.match(client.ask({ type: 'QueryTasks', requestId: 7 }), [
    { message: { name: 'TOO_MANY_REQUESTS', requestId: 7 } },
  ]);
});

void t.test('the status counts what ended before the restart, and what happened since', async (t) => {
  const before = new World();
  const agent = before.agent('a1');
  agent.ack();
  before.client().submit();
  agent.complete(agent.takeTask());
  const world = new World({}, {}, { sessions: [], counts: { completed: 7, dead: 2, queued: 5 } });
  const client = world.client();
  client.submit();
  const [report] = messagesOf(client.ask({ type: 'QueryStatus', requestId: 2 }), 'StatusReport');
  t.match(report, {
    tasks: { completed: 7, dead: 2, queued: 1 },
    counters: { submitted: 1, failedCommits: 0 },
  });
});
