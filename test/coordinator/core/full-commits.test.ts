import t from 'tap';
import { taskIdOf } from '../../../src/store/sqlite/beginnings.js';
import { World } from './world.js';

void t.test('a commit that is full leaves what later turns bring to the ones after it', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const client = world.client();
  world.autoCommit = false;
  const sizes: (number | undefined)[] = [];
  // one turn each: the first is under way at once, the next two fill one, and so on
  for (let i = 0; i < 6; i++) client.send();
  for (let i = 0; world.waiting !== null && i < 10; i++) {
    sizes.push(world.waiting.ops.length);
    world.commit();
  }
  t.same(sizes, [1, 2, 2, 1]);
  const told = world.takeType(client.connectionId, 'MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(told, [1, 2, 3, 4, 5, 6], 'each is acknowledged once, in order');
});

void t.test('what one turn brings stays together, however much it is', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const agent = world.agent('a1', { concurrency: 4 });
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  client.send();
  for (let i = 0; i < 3; i++) client.send();
  world.commit();
  const ops = world.waiting?.ops.map(({ op }) => op) ?? [];
  t.same(ops, ['submit', 'lease'], 'a submit is in one commit with its lease');
});

void t.test('what ends while its submit still waits goes with it', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const agent = world.agent('a1', { concurrency: 8 });
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 4; i++) client.send({ watch: true });
  const tasks = agent.takeTasks();
  for (const task of tasks) agent.complete(task);
  const commits: string[][] = [];
  for (let i = 0; world.waiting !== null && i < 10; i++) {
    commits.push(world.waiting.ops.map((op) => `${op.op} ${taskIdOf(op) ?? ''}`));
    world.commit();
  }
  const [first, second, third, fourth] = tasks.map(({ taskId }) => taskId);
  const course = (taskId = '') => [`submit ${taskId}`, `lease ${taskId}`, `complete ${taskId}`];
  t.same(commits, [
    course(first).slice(0, 2),
    course(second),
    course(third),
    course(fourth),
    course(first).slice(2),
  ]);
  const told = world.takeType(client.connectionId, 'TaskUpdate');
  t.same(
    told.map(({ task }) => [task.taskId, task.state]),
    [second, third, fourth, first].map((taskId) => [taskId, 'completed']),
  );
  t.equal(world.core.state.commits.idle, true);
  t.equal(world.core.state.commits.bytes, 0);
});

void t.test('slow commits grow while more waits than goes in, and shrink again', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 260; i++) client.send();
  const sizes = (ms: number, count: number) =>
    Array.from({ length: count }, () => {
      const size = world.waiting?.ops.length;
      world.now += ms;
      world.commit();
      return size;
    });
  t.same(sizes(20, 10), [1, 2, 2, 2, 4, 8, 16, 32, 32, 32]);
  t.same(sizes(5, 7), [32, 16, 8, 4, 2, 2, 2]);
  t.same([...sizes(20, 3), ...sizes(5, 1), ...sizes(20, 3)], [2, 2, 2, 2, 2, 2, 2], 'not all are slow');
  while (world.waiting !== null) world.commit();
  const told = world.takeType(client.connectionId, 'MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(
    told,
    Array.from({ length: 260 }, (_, i) => i + 1),
    'each is acknowledged once, in order',
  );
});

void t.test('a result goes down with the submit that it waited with', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const agent = world.agent('a1', { concurrency: 8 });
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 2; i++) client.send({ watch: true });
  const [, second] = agent.takeTasks();
  if (second === undefined) throw new Error('no task');
  agent.complete(second);
  world.commit();
  t.equal(world.waiting?.ops.length, 3);
  world.failCommit();
  t.match(world.takeType(agent.connectionId, 'ErrorReport'), [
    { name: 'UNKNOWN_TASK', taskId: second.taskId },
  ]);
  t.match(world.takeType(client.connectionId, 'ErrorReport'), [{ name: 'STORE_UNAVAILABLE', requestId: 2 }]);
  t.same(world.takeType(client.connectionId, 'TaskUpdate'), []);
  t.equal(world.core.state.commits.bytes, 0);
});

void t.test('after a failure nothing overtakes what waited', async (t) => {
  const world = new World({ fullCommitEntries: 2 });
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 6; i++) client.send();
  world.failCommit();
  t.match(world.take(client.connectionId), [{ message: { name: 'STORE_UNAVAILABLE', requestId: 1 } }]);
  world.autoCommit = true;
  world.advance(1_000);
  const told = world.takeType(client.connectionId, 'MessageAck').flatMap(({ requestIds }) => requestIds);
  t.same(told, [2, 3, 4, 5, 6]);
  t.equal(world.core.state.commits.idle, true);
  t.equal(world.core.state.commits.bytes, 0);
});
