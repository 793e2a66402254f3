import fc from 'fast-check';
import t from 'tap';
import { slabCopy } from '../../../src/protocol/byte-slabs.js';
import { World, type ClientDouble } from './world.js';

/** Inputs that do not fit into memory are in the store alone, and are there again when their task's turn comes. */

const input = (n: number, bytes = 4): Uint8Array => new Uint8Array(bytes).fill(n);

function submitMany(client: ClientDouble, priorities: readonly number[]): string[] {
  return priorities.map((priority, i) => client.submit({ priority }, input(i)));
}

function inMemory(world: World): number {
  return [...world.core.state.tasks.values()].filter((task) => task.input !== null).length;
}

void t.test('inputs beyond the bound leave memory when, and not before, the store has them', async (t) => {
  const world = new World({ inputCacheBytes: 10 });
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 6; i++) client.send({}, input(i));
  t.equal(inMemory(world), 6, 'nothing is stored yet');
  while (world.waiting !== null) world.commit();
  t.equal(inMemory(world), 2);
  const { tasks } = world.core.state;
  t.equal(tasks.cachedBytes, 8);
  t.equal(tasks.inputBytes, 24, 'the bound of the queue counts them wherever they are');
});

void t.test('what is stored and not done keeps nothing of what came with it in memory', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 2 });
  agent.ack();
  const client = world.client();
  world.autoCommit = false;
  for (let i = 0; i < 3; i++) client.send({}, slabCopy(input(i), 0, 4));
  client.send({ delayMs: 1_000 }, slabCopy(input(3), 0, 4));
  const [first] = agent.takeTasks();
  if (first === undefined) throw new Error('no task');
  agent.complete(first, slabCopy(input(7), 0, 4));
  while (world.waiting !== null) world.commit();
  const tasks = [...world.core.state.tasks.values()];
  const inputs = tasks.flatMap((task) => task.input ?? []);
  t.strictSame(
    inputs.map((bytes) => [bytes[0], bytes.buffer.byteLength]),
    [1, 2, 3].map((n) => [n, 4]),
    'leased, queued and delayed',
  );
  t.equal(world.core.state.tasks.cachedBytes, 12);
});

void t.test('tasks get their own input, in the order of priority, though it has to be read', async (t) => {
  const world = new World({ inputCacheBytes: 0 });
  const client = world.client();
  const priorities = [3, 9, 1, 9, 5];
  const ids = submitMany(client, priorities);
  const agent = world.agent('a1', { concurrency: 1 });
  agent.ack();
  for (const index of [1, 3, 4, 0, 2]) {
    const [sent] = world.take(agent.connectionId).filter(({ message }) => message.type === 'AgentTask');
    t.match(sent?.message, { taskId: ids[index] });
    t.strictSame(sent?.payload, input(index));
    if (sent?.message.type === 'AgentTask') agent.complete(sent.message);
  }
});

void t.test(
  'while an input is read nothing overtakes its task, and only one read is under way',
  async (t) => {
    const world = new World({ inputCacheBytes: 0 });
    const client = world.client();
    const [first = ''] = submitMany(client, [5, 5, 5]);
    world.autoRead = false;
    const agent = world.agent('a1', { concurrency: 2 });
    agent.ack();
    t.equal(world.inputReads.length, 1);
    t.equal(world.inputReads[0]?.taskIds.length, 3, 'it reads ahead');
    world.autoCommit = false;
    client.send({ priority: 5 }, input(9));
    t.strictSame(agent.takeTasks(), [], 'one that has its input waits behind');
    client.send({ priority: 6 }, input(8));
    t.equal(agent.takeTasks().length, 1, 'but a more urgent one goes first');
    world.autoCommit = true;
    world.autoRead = true;
    world.answerReads();
    t.equal(agent.takeTask().taskId, first);
    t.equal(world.core.state.inputs.underWay, null);
  },
);

void t.test('recovered tasks have no input in memory; it is read ahead in batches, once', async (t) => {
  const before = new World();
  submitMany(before.client(), Array<number>(700).fill(5));
  const world = before.restart();
  t.equal(inMemory(world), 0, 'nobody is there to take them');
  const reads = () => world.actions.filter((action) => action.type === 'readInputs');
  const agent = world.agent('a1', { concurrency: 10 });
  agent.ack();
  let done = 0;
  for (let tasks = agent.takeTasks(); tasks.length > 0; tasks = agent.takeTasks()) {
    for (const task of tasks) agent.complete(task);
    done += tasks.length;
  }
  t.equal(done, 700);
  const read = reads().flatMap(({ taskIds }) => taskIds);
  t.equal(new Set(read).size, 700);
  t.equal(read.length, 700, 'none is read twice');
  t.ok(reads().length <= 5, `${reads().length} reads`);
});

void t.test('a batch is bounded in bytes, but brings at least one input', async (t) => {
  const world = new World({ inputCacheBytes: 0 });
  const client = world.client();
  for (let i = 0; i < 20; i++) client.submit({}, input(i, 600_000));
  world.autoRead = false;
  const agent = world.agent('a1', { concurrency: 20 });
  agent.ack();
  for (let round = 0; world.inputReads.length > 0; round++) {
    t.equal(world.inputReads[0]?.taskIds.length, 1);
    t.ok(world.core.state.tasks.cachedBytes <= 2_000_000);
    t.ok(round < 20);
    world.answerReads();
  }
  t.equal(agent.takeTasks().length, 20);
});

void t.test('a failed read is tried again after a pause; tasks that have their input go on', async (t) => {
  const world = new World({ inputCacheBytes: 0 }, { admit: () => ({ ok: true }) });
  const client = world.client();
  submitMany(client, [5]);
  world.autoRead = false;
  const agent = world.agent('a1', { concurrency: 3, kinds: ['compute', 'other'] });
  agent.ack();
  const fail = () => {
    const [read] = world.inputReads.splice(0);
    world.turn({ type: 'inputsRead', readId: read?.readId ?? -1, inputs: null });
  };
  fail();
  t.strictSame(world.inputReads, []);
  world.autoCommit = false;
  client.send({ kind: 'other', priority: 1 }, input(7));
  t.match(agent.takeTasks(), [{ kind: 'other' }]);
  world.commit();
  world.autoCommit = true;
  world.advance(999);
  t.strictSame(world.inputReads, [], 'no busy loop');
  world.advance(1);
  t.equal(world.inputReads.length, 1);
  fail();
  world.advance(1_000);
  world.autoRead = true;
  world.answerReads();
  t.match(agent.takeTasks(), [{ kind: 'compute' }]);
});

void t.test('a task whose input the store has lost fails by name', async (t) => {
  const world = new World({ inputCacheBytes: 0 });
  const client = world.client();
  const [lost = '', kept = ''] = submitMany(client, [5, 5]);
  const row = world.store.rows.get(lost);
  if (row !== undefined) row.input = null;
  const watcher = world.client();
  watcher.ask({ type: 'WatchTask', requestId: 1, taskId: lost });
  const agent = world.agent('a1');
  agent.ack();
  t.equal(agent.takeTask().taskId, kept);
  t.match(world.takeType(watcher.connectionId, 'TaskUpdate'), [
    { task: { state: 'failed', error: { name: 'INPUT_LOST', retryable: false } } },
  ]);
  t.match(world.store.get(lost)?.current, { state: 'failed' }, 'the store agrees');
});

void t.test('a task that is cancelled while its input is read stays cancelled', async (t) => {
  const world = new World({ inputCacheBytes: 0 });
  const client = world.client();
  const [first = '', second = ''] = submitMany(client, [5, 5]);
  world.autoRead = false;
  const agent = world.agent('a1');
  agent.ack();
  client.cancel(first);
  world.autoRead = true;
  world.answerReads();
  t.equal(agent.takeTask().taskId, second);
  t.equal(client.query(first).state, 'cancelled');
  world.turn({ type: 'inputsRead', readId: 99, inputs: null });
  t.equal(world.core.state.inputs.paused, false, 'an answer nobody waits for means nothing');
});

void t.test('what was read for tasks that others have overtaken makes room again', async (t) => {
  const world = new World({ inputCacheBytes: 0 });
  const client = world.client();
  submitMany(client, Array<number>(300).fill(1));
  const agent = world.agent('a1');
  agent.ack();
  const task = agent.takeTask();
  const early = world.core.state.tasks.cachedBytes;
  t.ok(early > 0 && early <= 4 * 512, `${early} bytes read ahead`);
  submitMany(client, Array<number>(700).fill(9));
  agent.complete(task);
  for (let i = 0; i < 400; i++) agent.complete(agent.takeTask());
  t.ok(world.core.state.tasks.cachedBytes <= 4 * 513, 'no more than one batch, and what is being given');
});

void t.test('any order of priorities, any bound: the order is that of a memory without bounds', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(10), { minLength: 1, maxLength: 60 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 4 }),
      (priorities, inputCacheBytes, concurrency) => {
        const order = (options: { inputCacheBytes: number }): string[] => {
          const world = new World(options);
          submitMany(world.client(), priorities);
          const agent = world.agent('a1', { concurrency });
          agent.ack();
          const given: string[] = [];
          for (let tasks = agent.takeTasks(); tasks.length > 0; tasks = agent.takeTasks()) {
            given.push(...tasks.map((task) => task.taskId));
            for (const task of tasks) agent.complete(task);
          }
          return given;
        };
        const one = order({ inputCacheBytes });
        return one.length === priorities.length && one.join() === order({ inputCacheBytes: 1e9 }).join();
      },
    ),
    { numRuns: 60 },
  );
});
