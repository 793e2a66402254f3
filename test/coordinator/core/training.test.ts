import t from 'tap';
import { admitTask } from '../../../src/coordinator/core/tasks/admission.js';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { type GradientResult, neuralTraining } from '../../../src/tasks/neural-training/handler.js';
import type { NeuralTrainingOutput } from '../../../src/tasks/neural-training/trainer.js';
import { spiral, testContext } from '../../tasks/neural-training/support.js';
import { type AgentDouble, World } from './world.js';

const ports = { admit: admitTask };
const KINDS = { agentType: 'neural' as const, kinds: ['neural-training'] };
const bytes = (more: Record<string, unknown> = {}) =>
  encodeValue({ ...spiral(40), epochs: 2, batchSize: 16, shards: 2, ...more });
const newWorld = () => new World({}, ports);

interface Piece {
  readonly message: MessageOf<'AgentTask'>;
  readonly payload: Uint8Array;
}

/** Takes the pieces an agent was given. */
function pieces(agent: AgentDouble): Piece[] {
  return agent.world.take(agent.connectionId).flatMap(({ message, payload }) => {
    return message.type === 'AgentTask' && payload !== undefined ? [{ message, payload }] : [];
  });
}

function answer(agent: AgentDouble, { message, payload }: Piece, change: Partial<GradientResult> = {}): void {
  const { taskId, attempt, epoch } = message;
  const result = { ...neuralTraining(decodeValue(payload), testContext()), ...change };
  const { gradients, ...fields } = result;
  agent.say({ type: 'NeuralGradients', taskId, attempt, epoch, runMs: 1, ...fields }, gradients);
}

/** Lets agents answer until none has anything to do. */
function work(...agents: AgentDouble[]): number {
  let answered = 0;
  for (let busy = true; busy;) {
    busy = false;
    for (const agent of agents) {
      for (const piece of pieces(agent)) {
        answer(agent, piece);
        answered++;
        busy = true;
      }
    }
  }
  return answered;
}

function resultOf(world: World, taskId: string): NeuralTrainingOutput {
  const current = world.store.get(taskId)?.current;
  if (current?.state !== 'completed') throw new Error(`the task is ${current?.state ?? 'unknown'}`);
  return decodeValue(current.result) as NeuralTrainingOutput;
}

function trainedAlone(more: Record<string, unknown> = {}): NeuralTrainingOutput {
  const world = newWorld();
  const agent = world.agent('alone', KINDS);
  const taskId = world.client().submit({ kind: 'neural-training' }, bytes(more));
  work(agent);
  return resultOf(world, taskId);
}

t.test('a training runs on agents, with progress, and ends like any task', (t) => {
  const world = newWorld();
  const client = world.client();
  const taskId = client.submit({ kind: 'neural-training', watch: true }, bytes());
  t.match(client.query(taskId), { state: 'queued', waitsFor: { reason: 'no-agent' } });
  const one = world.agent('a1', { ...KINDS, concurrency: 2 });
  t.match(client.query(taskId), { state: 'leased', agentId: 'coordinator' });
  const [first, second] = pieces(one);
  t.ok(first && second, 'both parts of the batch');
  if (first === undefined || second === undefined) return;
  t.not(first.message.taskId, taskId);
  answer(one, first);
  t.match(client.query(taskId), { state: 'leased' });
  answer(one, second);
  t.match(client.query(taskId), { state: 'running', progress: 1 / 6 });
  t.equal(work(one), 10);
  const task = client.query(taskId);
  t.match(task, { state: 'completed', attempts: 1 });
  const result = resultOf(world, taskId);
  t.match(result, { version: 6, agents: { a1: 12 } });
  t.equal(result.loss.length, 2);
  t.strictSame(
    result.weights.map((list) => list.length),
    [16, 8, 8, 1],
  );
  t.equal(world.core.state.trainings.size, 0);
  world.advance(500);
  const { performance } = world.core.state.learning.bank;
  t.equal(performance.agentKind('a1', 'neural-training')?.delivered, 12, 'what it did is known of the agent');
  t.end();
});

t.test('agents that come and go change nothing of the result', (t) => {
  const alone = trainedAlone();
  const world = newWorld();
  const client = world.client();
  const agents = ['a1', 'a2', 'a3'].map((id) => world.agent(id, KINDS));
  const taskId = client.submit({ kind: 'neural-training' }, bytes());
  const [a1, a2, a3] = agents;
  if (a1 === undefined || a2 === undefined || a3 === undefined) return;
  pieces(a1);
  world.lose(a1.connectionId);
  // what a1 had goes to others at once, not only after the grace
  work(a2, a3);
  const { weights, agents: by } = resultOf(world, taskId);
  t.strictSame(weights, alone.weights);
  t.notOk('a1' in by);
  t.end();
});

t.test('a piece with a silent agent goes to another as well, and the first is told to stop', (t) => {
  const world = newWorld();
  const client = world.client();
  const [silent, busy] = ['silent', 'busy'].map((id) => world.agent(id, KINDS));
  if (silent === undefined || busy === undefined) return;
  const taskId = client.submit({ kind: 'neural-training' }, bytes({ stragglerMs: 500 }));
  const [stuck] = pieces(silent);
  t.ok(stuck);
  work(busy);
  t.match(client.query(taskId), { state: 'leased' }, 'half of the first batch is missing');
  world.advance(1_000);
  t.ok(work(busy) > 0);
  t.match(world.takeType(silent.connectionId, 'CancelTask'), [
    { taskId: stuck?.message.taskId, reason: 'superseded' },
  ]);
  t.strictSame(resultOf(world, taskId).weights, trainedAlone().weights);
  if (stuck !== undefined) answer(silent, stuck);
  t.strictSame(silent.errors(), [], 'what crossed the word to stop is no fault');
  t.end();
});

t.test('gradients that do not fit are refused by name, and the round goes on', (t) => {
  const world = newWorld();
  const client = world.client();
  const [bad, good] = ['bad', 'good'].map((id) => world.agent(id, KINDS));
  if (bad === undefined || good === undefined) return;
  const taskId = client.submit({ kind: 'neural-training' }, bytes());
  const [piece] = pieces(bad);
  t.ok(piece);
  if (piece === undefined) return;
  answer(bad, piece, { gradients: new Uint8Array(12) });
  const [refusal] = world.takeType(bad.connectionId, 'ErrorReport');
  t.match(refusal, { name: 'GRADIENT_REFUSED', field: '/payload', taskId: piece.message.taskId });
  world.advance(1_000);
  const [again] = pieces(bad);
  if (again !== undefined) answer(bad, again, { modelVersion: 99 });
  t.match(world.takeType(bad.connectionId, 'ErrorReport'), [
    { name: 'GRADIENT_REFUSED', field: '/modelVersion' },
  ]);
  work(good);
  t.strictSame(resultOf(world, taskId).weights, trainedAlone().weights);
  t.end();
});

t.test('what agents say of a batch that fails is told, however long it is', (t) => {
  const world = newWorld();
  const client = world.client();
  const agents = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((id) => world.agent(id, KINDS));
  const taskId = client.submit({ kind: 'neural-training', attempts: 1 }, bytes({ shards: 1 }));
  const error = { name: 'BOOM', message: 'x'.repeat(4096), retryable: true };
  let failures = 0;
  while (failures < agents.length) {
    for (const agent of agents) {
      for (const { message } of pieces(agent)) {
        const { taskId, attempt, epoch } = message;
        agent.say({ type: 'TaskCompletion', taskId, attempt, epoch, runMs: 1, outcome: 'failed', error });
        failures++;
      }
    }
  }
  const task = client.query(taskId);
  t.match(task, { state: 'dead', error: { name: 'NO_GRADIENT', message: /x…$/ } });
  t.equal(task.error?.message.length, 4096);
  t.end();
});

t.test('after a restart a training goes on from its checkpoint, in the same attempt', (t) => {
  const world = newWorld();
  const taskId = world.client().submit({ kind: 'neural-training' }, bytes({ checkpointMs: 0 }));
  const agent = world.agent('a1', KINDS);
  for (let i = 0; i < 5; i++) for (const piece of pieces(agent)) answer(agent, piece);
  t.ok(world.store.entries.get('checkpoint')?.has(taskId));
  const after = world.restart({}, ports);
  const other = after.agent('a2', KINDS);
  t.equal(work(other), 8, 'two of six batches were done');
  t.strictSame(resultOf(after, taskId).weights, trainedAlone().weights);
  t.match(resultOf(after, taskId).agents, { a1: 4, a2: 8 });
  t.match(after.client().query(taskId), { state: 'completed', attempts: 1 });
  t.notOk(after.store.entries.get('checkpoint')?.has(taskId), 'a finished training needs none');
  t.end();
});

t.test('cancelling and the deadline stop the work on agents', (t) => {
  const world = newWorld();
  const client = world.client();
  const agent = world.agent('a1', KINDS);
  const taskId = client.submit({ kind: 'neural-training' }, bytes({ checkpointMs: 0 }));
  for (let i = 0; i < 2; i++) for (const piece of pieces(agent)) answer(agent, piece);
  const [open] = pieces(agent);
  client.cancel(taskId);
  t.match(world.takeType(agent.connectionId, 'CancelTask'), [
    { taskId: open?.message.taskId, reason: 'cancelled' },
  ]);
  t.match(client.query(taskId), { state: 'cancelled' });
  t.notOk(world.store.entries.get('checkpoint')?.has(taskId));

  const second = newWorld();
  const asker = second.client();
  const late = asker.submit(
    { kind: 'neural-training', timeoutMs: 1_000, attempts: 2 },
    bytes({ checkpointMs: 0 }),
  );
  const slow = second.agent('a1', KINDS);
  for (let i = 0; i < 2; i++) for (const piece of pieces(slow)) answer(slow, piece);
  second.advance(1_000);
  t.match(asker.query(late), { state: 'retrying', attempts: 1 });
  t.ok(second.store.entries.get('checkpoint')?.has(late), 'kept for the next attempt');
  second.advance(500);
  const fresh = second.agent('a2', KINDS);
  t.equal(work(fresh), 10, 'the first batch is not done again');
  t.match(asker.query(late), { state: 'completed', attempts: 2 });
  t.end();
});

t.test('a bad input is refused at submit, with its field', (t) => {
  const world = newWorld();
  const client = world.client();
  client.send({ kind: 'neural-training' }, bytes({ epochs: 0 }));
  t.match(world.takeType(client.connectionId, 'ErrorReport'), [{ name: 'BAD_INPUT', field: 'epochs' }]);
  t.equal(world.store.rows.size, 0);
  t.end();
});
