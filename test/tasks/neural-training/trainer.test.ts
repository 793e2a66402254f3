import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../../src/numeric/random.js';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { errorDetailOf } from '../../../src/tasks/failure.js';
import { parseCheckpoint } from '../../../src/tasks/neural-training/checkpoint.js';
import { encodeGradient } from '../../../src/tasks/neural-training/compression.js';
import type { GradientWork } from '../../../src/tasks/neural-training/gradient-work.js';
import { type GradientResult, neuralTraining } from '../../../src/tasks/neural-training/handler.js';
import { parseNeuralTrainingInput } from '../../../src/tasks/neural-training/input.js';
import { average } from '../../../src/tasks/neural-training/model.js';
import {
  type NeuralTrainingOutput,
  Trainer,
  type TrainerAction,
  type TrainerEvent,
} from '../../../src/tasks/neural-training/trainer.js';
import { spiral, testContext } from './support.js';

interface Given {
  readonly assignment: number;
  readonly agentId: string;
  readonly work: GradientWork;
}

/** A trainer with agents that are played: which of them answers when is up to the test. */
class Swarm {
  now = 0;
  readonly given: Given[] = [];
  readonly actions: TrainerAction[] = [];
  readonly checkpoints: Uint8Array[] = [];

  constructor(
    readonly trainer: Trainer,
    readonly agents: readonly string[],
  ) {
    this.take(trainer.handle({ type: 'start' }, this.now));
  }

  take(actions: readonly TrainerAction[]): void {
    this.actions.push(...actions);
    for (const action of actions) {
      if (action.type === 'dispatch') this.given.push(action);
      if (action.type === 'checkpoint') this.checkpoints.push(encodeValue(action.checkpoint));
      if (action.type === 'withdraw') this.drop(action.assignment);
    }
  }

  drop(assignment: number): void {
    const index = this.given.findIndex((one) => one.assignment === assignment);
    if (index !== -1) this.given.splice(index, 1);
  }

  offer(agentId: string): void {
    this.take(this.trainer.handle({ type: 'offer', agentId }, this.now));
  }

  /** Offers every agent that has nothing. */
  offerAll(): void {
    for (const agentId of this.agents) {
      if (!this.given.some((one) => one.agentId === agentId)) this.offer(agentId);
    }
  }

  answer({ assignment, work }: Given, change: Partial<GradientResult> = {}): void {
    this.drop(assignment);
    let event: TrainerEvent;
    try {
      const result = { ...neuralTraining(work, testContext()), ...change };
      event = { type: 'gradient', assignment, result };
    } catch (error) {
      event = { type: 'failed', assignment, error: errorDetailOf(error) };
    }
    this.take(this.trainer.handle(event, this.now));
  }

  get result(): NeuralTrainingOutput | null {
    const last = this.actions.at(-1);
    const finished = this.actions.find((action) => action.type === 'finished');
    return finished?.type === 'finished' && last !== undefined ? finished.result : null;
  }

  /** Plays to the end; `pick` says whose answer comes next. */
  play(pick: (given: readonly Given[]) => number = () => 0, stepMs = 10): NeuralTrainingOutput {
    for (let turn = 0; turn < 100_000 && this.result === null; turn++) {
      this.offerAll();
      const one = this.given[pick(this.given)];
      this.now += stepMs;
      if (one !== undefined) this.answer(one);
    }
    if (this.result === null) throw new Error('the training comes to no end');
    return this.result;
  }
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `agent-${i + 1}`);
const input = (more: Record<string, unknown> = {}) =>
  parseNeuralTrainingInput({ ...spiral(60), epochs: 3, batchSize: 16, ...more });
const swarmOf = (count: number, more: Record<string, unknown> = {}) =>
  new Swarm(new Trainer('t', input(more)), names(count));

t.test('four agents in any order give the bits of one', (t) => {
  for (const compression of ['float32', 'float16']) {
    const alone = swarmOf(1, { compression }).play();
    t.equal(alone.version, 12);
    t.strictSame(alone.agents, { 'agent-1': 48 });
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 6 }), (seed, agents) => {
        const random = new SeededRandom(seed);
        const together = swarmOf(agents, { compression }).play((given) =>
          Math.floor(random.fraction() * given.length),
        );
        t.strictSame(together.weights, alone.weights);
        t.strictSame(together.loss, alone.loss);
      }),
      { numRuns: 10 },
    );
  }
  t.end();
});

t.test('parts of a batch make the gradient of the whole', (t) => {
  const parts = swarmOf(4, { shards: 5 }).play();
  const whole = swarmOf(1, { shards: 1 }).play();
  for (const [i, list] of whole.weights.entries()) {
    for (const [j, weight] of list.entries()) {
      t.ok(Math.abs(weight - (parts.weights[i]?.[j] ?? NaN)) < 1e-6);
    }
  }
  const { count, loss, gradient } = average([
    { count: 1, loss: 4, gradient: Float64Array.of(4, 0) },
    { count: 3, loss: 8, gradient: Float64Array.of(0, 8) },
  ]);
  t.strictSame({ count, loss, gradient: [...gradient] }, { count: 4, loss: 7, gradient: [1, 6] });
  t.end();
});

t.test('an agent that is slow or gone does not hold the others up', (t) => {
  const alone = swarmOf(1).play();
  const swarm = swarmOf(3, { stragglerMs: 1_000 });
  swarm.offer('agent-1');
  const [slow] = swarm.given;
  t.ok(slow);
  // agent-1 never answers; the others do what they can, and then its part as well
  const others = (given: readonly Given[]) => given.findIndex(({ agentId }) => agentId !== 'agent-1');
  const result = swarm.play(others, 50);
  t.strictSame(result.weights, alone.weights);
  t.notOk('agent-1' in result.agents);
  t.ok(
    swarm.actions.some((action) => action.type === 'withdraw' && action.assignment === slow?.assignment),
    'it is told to stop',
  );

  const lossy = swarmOf(2);
  lossy.offerAll();
  for (const { assignment } of lossy.given.splice(0)) {
    lossy.take(lossy.trainer.handle({ type: 'lost', assignment }, 0));
  }
  t.strictSame(lossy.play().weights, alone.weights, 'what was lost is done again');
  t.end();
});

t.test('a straggler is waited for when nobody else is there', (t) => {
  const swarm = swarmOf(1, { stragglerMs: 100, shards: 1 });
  swarm.offer('agent-1');
  swarm.now = 50_000;
  t.ok(swarm.trainer.wantsAgents(swarm.now));
  swarm.offer('agent-1');
  t.equal(swarm.given.length, 1, 'it does not get the same twice');
  t.equal(swarm.play().version, 12);
  t.end();
});

t.test('gradients that do not fit are refused by name, and the round goes on', (t) => {
  const alone = swarmOf(1).play();
  const swarm = swarmOf(2);
  const bytes = (numbers: number[]) => encodeGradient(Float64Array.from(numbers), { name: 'float32' });
  const length = 2 * 8 + 8 + 8 + 1;
  const faults: [Partial<GradientResult>, string, RegExp][] = [
    [{ modelVersion: 7 }, '/modelVersion', /version 7; wanted is version 0/],
    [{ gradients: bytes([1, 2]) }, '/payload', /33 numbers as float32 take 132 bytes; it has 8/],
    [{ gradients: bytes(Array<number>(length).fill(NaN)) }, '/payload', /number 0 is NaN/],
    [{ batchSize: 99 }, '/batchSize', /99 samples/],
    [{ loss: Infinity }, '/loss', /Infinity/],
  ];
  for (const [change, field, text] of faults) {
    swarm.now += 100_000;
    swarm.offer('agent-1');
    const given = swarm.given.at(-1);
    t.ok(given);
    if (given !== undefined) swarm.answer(given, change);
    const refused = swarm.actions.at(-1);
    t.match(refused, { type: 'refuse', assignment: given?.assignment, field, reason: text });
    const before = swarm.given.length;
    swarm.offer('agent-1');
    t.equal(swarm.given.length, before, 'it gets no more for a while');
  }
  t.equal(swarm.trainer.version, 0);
  t.strictSame(swarm.play().weights, alone.weights);
  t.end();
});

t.test('a batch that nobody can do ends the attempt', (t) => {
  const swarm = swarmOf(1, { shards: 1 });
  const error = { name: 'BOOM', message: 'no', retryable: true };
  for (let i = 0; i < 6; i++) {
    swarm.now += 100_000;
    swarm.offer('agent-1');
    const [given] = swarm.given.splice(0);
    t.ok(given);
    if (given === undefined) return;
    const { assignment } = given;
    swarm.take(swarm.trainer.handle({ type: 'failed', assignment, error }, swarm.now));
  }
  t.match(swarm.actions.at(-1), {
    type: 'gave-up',
    error: { name: 'NO_GRADIENT', message: /agent 'agent-1': BOOM: no/, retryable: true },
  });
  t.notOk(swarm.trainer.wantsAgents(swarm.now));
  t.end();
});

t.test('a training that diverges says so', (t) => {
  const swarm = swarmOf(1, {
    model: { inputs: 2, layers: [{ units: 1, activation: 'linear' }], loss: 'mse' },
    optimizer: { name: 'sgd', learningRate: 1e6 },
    epochs: 1000,
  });
  t.throws(() => swarm.play());
  t.match(
    swarm.actions.find((action) => action.type === 'gave-up'),
    { error: { name: 'TRAINING_DIVERGED', message: /smaller optimizer.learningRate/, retryable: false } },
  );
  t.end();
});

t.test('asynchronous: every batch is used once each epoch, none too stale', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 3 }), (seed, maxStaleness) => {
      const random = new SeededRandom(seed);
      const swarm = swarmOf(5, { mode: 'async', maxStaleness, batchSize: 4, epochs: 2 });
      let most = 0;
      const result = swarm.play((given) => {
        most = Math.max(most, given.length);
        return Math.floor(random.fraction() * given.length);
      });
      t.equal(result.version, 30);
      t.equal(result.loss.length, 2);
      t.ok(most <= maxStaleness + 1);
      const used = Object.values(result.agents).reduce((sum, count) => sum + count, 0);
      t.equal(used, 30);
    }),
    { numRuns: 10 },
  );
  const swarm = swarmOf(2, { mode: 'async', maxStaleness: 1, batchSize: 4, epochs: 1 });
  swarm.offerAll();
  const [first, second] = swarm.given;
  t.ok(first && second);
  if (first === undefined || second === undefined) return;
  swarm.answer(second);
  swarm.offer('agent-2');
  for (const given of swarm.given.filter(({ agentId }) => agentId === 'agent-2')) swarm.answer(given);
  swarm.answer(first);
  t.match(swarm.actions.at(-1), { type: 'refuse', field: '/modelVersion', reason: /2 updates came/ });
  t.equal(swarm.trainer.version, 2);
  t.equal(swarm.play().version, 15, 'its batch is done again');
  t.end();
});

t.test('training goes on from any checkpoint to the same end', (t) => {
  for (const optimizer of [{ name: 'adam' }, { name: 'sgd', momentum: 0.9 }, { name: 'sgd' }]) {
    const more = { optimizer, checkpointMs: 0 };
    const whole = swarmOf(2, more);
    const wanted = whole.play();
    t.equal(whole.checkpoints.length, 11, 'one after each update but the last');
    for (const bytes of whole.checkpoints) {
      const checkpoint = parseCheckpoint(decodeValue(bytes), input(more));
      const resumed = new Swarm(new Trainer('t', input(more), checkpoint), names(2)).play();
      t.strictSame(resumed.weights, wanted.weights);
      t.strictSame(resumed.loss, wanted.loss);
      t.equal(resumed.version, wanted.version);
    }
  }
  const rare = swarmOf(1, { checkpointMs: 100 });
  rare.play(() => 0, 10);
  t.equal(rare.checkpoints.length, 3, '12 updates of 40 ms, the last of which is the end');
  const bad = encodeValue({ format: 1, version: 3, weights: [1] });
  t.throws(() => parseCheckpoint(decodeValue(bad), input()), { name: 'TaskInputError' });
  t.end();
});

t.test('every compression learns', (t) => {
  const more = { epochs: 60, optimizer: { name: 'adam', learningRate: 0.05 } };
  for (const compression of ['float32', 'float16', { name: 'top-k', fraction: 0.2 }]) {
    const { loss } = swarmOf(3, { ...more, compression }).play();
    t.ok(
      (loss.at(-1) ?? 1) < 0.5 * (loss[0] ?? 0),
      `${JSON.stringify(compression)}: ${loss[0]} to ${loss.at(-1)}`,
    );
  }
  t.end();
});
