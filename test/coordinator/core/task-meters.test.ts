import t from 'tap';
import { MAX_COUNTED_KINDS } from '../../../src/observe/metrics/meters-by-kind.js';
import type { World } from './world.js';
import { World as SimulatedWorld } from './world.js';

const figures = (world: World) => world.core.figures(world.now);
const kindOf = (world: World, kind: string) => figures(world).kinds.find((one) => one.kind === kind);

t.test('tasks are counted by kind, state and end, and what they took', async (t) => {
  const world = new SimulatedWorld();
  const client = world.client();
  client.submit({ priority: 7 });
  client.submit();
  world.now += 40;
  t.match(kindOf(world, 'compute'), { submitted: 2, leased: 0, now: { queued: 2, leased: 0 } });
  t.match(figures(world).ready, [
    { kind: 'compute', priority: 7, depth: 1, oldestMs: 40 },
    { kind: 'compute', priority: 5, depth: 1, oldestMs: 40 },
  ]);
  const agent = world.agent('a');
  const task = agent.takeTask();
  t.match(kindOf(world, 'compute'), {
    leased: 1,
    now: { queued: 1, leased: 1 },
    queue: { count: 1, sum: 40 },
  });
  world.now += 3;
  agent.complete(task);
  const after = kindOf(world, 'compute');
  t.match(after, { ended: { completed: 1 }, now: { queued: 0, leased: 1 }, roundTrip: { count: 1, sum: 3 } });
  t.equal(after?.run.count, 1);
  t.match(figures(world).agents, [{ type: 'worker', state: 'connected', count: 1 }]);
});

t.test('the numbers agree with the status, whatever happens to tasks', async (t) => {
  const world = new SimulatedWorld();
  const client = world.client();
  const taskIds = [client.submit({ delayMs: 50 }), client.submit(), client.submit({ attempts: 1 })];
  const agent = world.agent('a', { concurrency: 2 });
  const [task] = agent.takeTasks();
  t.ok(task);
  if (task !== undefined) agent.fail(task, true);
  client.cancel(taskIds[0] ?? '');
  client.retry(taskIds[0] ?? '');
  world.advance(1000);
  const { now, ended } = kindOf(world, 'compute') ?? {};
  const counted = world.core.state.tasks.countByState();
  t.match(counted, now);
  t.equal(ended?.cancelled, 1, 'what ended once stays counted, though it was retried');
});

t.test('kinds beyond a bound are counted as one', async (t) => {
  const world = new SimulatedWorld();
  const client = world.client();
  const kinds = Array.from({ length: MAX_COUNTED_KINDS + 20 }, (_, index) => `own-${String(index)}`);
  for (let i = 0; i < kinds.length; i += 60)
    world.agent(`a${String(i)}`, { kinds: kinds.slice(i, i + 60), concurrency: 1 });
  for (const kind of kinds) client.submit({ kind });
  t.equal(figures(world).kinds.length, MAX_COUNTED_KINDS);
  t.equal(kindOf(world, 'other')?.submitted, 21);
});
