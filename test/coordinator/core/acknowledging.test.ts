import t from 'tap';
import { World, type AgentDouble } from './world.js';

const processedOf = (world: World, agent: AgentDouble): string[] =>
  world
    .takeType(agent.connectionId, 'MessageAck')
    .flatMap(({ status, taskIds }) => (status === 'processed' ? taskIds : []));

/** Gives the lease back, as an agent that drains does. */
const giveBack = (agent: AgentDouble, lease: { taskId: string; attempt: number; epoch: number }): void => {
  const { taskId, attempt, epoch } = lease;
  agent.say({ type: 'TaskCompletion', taskId, attempt, epoch, outcome: 'cancelled', runMs: 1 });
};

void t.test('an agent that has the task again is not told that its earlier answer is stored', async (t) => {
  const world = new World();
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  client.send();
  const first = agent.takeTask();
  world.autoCommit = false;
  giveBack(agent, first);
  const ops = world.waiting?.ops.map(({ op }) => op);
  t.same(ops, ['requeue', 'lease'], 'its end and the next lease are one commit');
  world.commit();
  const second = agent.takeTask();
  t.equal(second.taskId, first.taskId);
  t.same(processedOf(world, agent), [], 'the word would be taken for one about the second lease');
  agent.complete(second);
  t.same(processedOf(world, agent), []);
  world.commit();
  t.same(processedOf(world, agent), [second.taskId], 'the second answer is stored');
});

void t.test('an earlier answer is acknowledged with the lease that somebody else has', async (t) => {
  const world = new World();
  const agent = world.agent('a1', { concurrency: 1 });
  agent.ack();
  const client = world.client();
  client.send();
  const first = agent.takeTask();
  const other = world.agent('a2', { concurrency: 8 });
  other.ack();
  world.autoCommit = false;
  client.send();
  agent.fail(first, true);
  // it is busy with something else when the task may run again
  for (let i = 0; i < 8 && agent.takeTasks().length === 0; i++) client.send();
  other.takeTasks();
  world.advance(5_000);
  t.match(other.takeTasks(), [{ taskId: first.taskId, epoch: 2 }]);
  t.same(processedOf(world, agent), []);
  while (world.waiting !== null) world.commit();
  t.same(processedOf(world, agent), [first.taskId]);
});

void t.test('an earlier answer waits until all that came after it is stored', async (t) => {
  const world = new World({ fullCommitEntries: 1 });
  const agent = world.agent('a1');
  agent.ack();
  const client = world.client();
  client.send();
  const first = agent.takeTask();
  world.autoCommit = false;
  client.send();
  giveBack(agent, first);
  const second = agent.takeTasks().find(({ taskId }) => taskId === first.taskId);
  t.match(second, { epoch: 2 });
  if (second === undefined) return;
  // in a commit of its own, after the one that holds the end of the first
  agent.fail(second, false);
  const told: string[][] = [];
  while (world.waiting !== null) {
    const stored = world.waiting.ops.map(({ op }) => op);
    world.commit();
    const words = processedOf(world, agent).filter((taskId) => taskId === first.taskId);
    told.push([...stored, ...words.map(() => 'processed')]);
  }
  const ends = new Set(['requeue', 'fail', 'processed']);
  const ofFirst = told.map((words) => words.filter((word) => ends.has(word)));
  t.same(
    ofFirst.filter(({ length }) => length > 0),
    [['requeue'], ['fail', 'processed', 'processed']],
  );
});
