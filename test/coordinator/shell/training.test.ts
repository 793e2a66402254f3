import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { Agent } from '../../../src/agent/agent.js';
import { Executor } from '../../../src/agent/executor.js';
import { Client } from '../../../src/client/client.js';
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import { systemClock } from '../../../src/observe/clock.js';
import type { NeuralTrainingOutput } from '../../../src/tasks/neural-training/trainer.js';
import { MemoryNetwork } from '../../support/memory-transport.js';

/** A coordinator, agents with real worker threads, and a client, joined in memory. */
async function swarm(t: Test, agents: number, handlersFile?: string): Promise<Client> {
  const network = new MemoryNetwork(systemClock);
  const coordinator = new Coordinator({ listener: network.listen('c:1') });
  await coordinator.start();
  const runner = await Executor.create({
    threads: 2,
    ...(handlersFile === undefined ? {} : { handlersFile }),
  });
  const joined = Array.from({ length: agents }, (_, i) => {
    const agent = new Agent({
      agentId: `agent-${i + 1}`,
      agentType: 'neural',
      concurrency: 1,
      addresses: ['c:1'],
      connector: network.connector,
      runner,
    });
    const registered = new Promise<void>((resolve) => agent.once('registered', () => resolve()));
    agent.start();
    return { agent, registered };
  });
  await Promise.all(joined.map(({ registered }) => registered));
  const client = await Client.connect({ addresses: ['c:1'], connector: network.connector });
  t.teardown(async () => {
    client.close();
    await Promise.all(joined.map(({ agent }) => agent.close()));
    await runner.close();
    await coordinator.close();
  });
  return client;
}

async function train(client: Client, input: unknown): Promise<NeuralTrainingOutput> {
  const task = await client.submit({ kind: 'neural-training', input });
  const outcome = await task.result();
  if (outcome.state !== 'completed') throw new Error(JSON.stringify(outcome));
  return outcome.result as NeuralTrainingOutput;
}

/** From eight monthly returns of the S&P 500, in units of 5 %: did the next month go up? */
async function directions() {
  const file = new URL('../../../../node_modules/vega-datasets/data/sp500.csv', import.meta.url);
  const prices = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.slice(line.lastIndexOf(',') + 1)));
  const returns = prices.slice(1).map((price, i) => Math.log(price / (prices[i] ?? NaN)) / 0.05);
  const samples = returns.slice(8).map((_, i) => returns.slice(i, i + 8));
  const labels = returns.slice(8).map((next) => [next > 0 ? 1 : 0]);
  return { samples, labels };
}

const MODEL = {
  inputs: 8,
  layers: [
    { units: 16, activation: 'tanh' },
    { units: 1, activation: 'sigmoid' },
  ],
  loss: 'binary-cross-entropy',
};

t.test('four agents train as one does, and the loss on the direction of the S&P 500 falls', async (t) => {
  const input = {
    model: MODEL,
    optimizer: { name: 'adam', learningRate: 0.02 },
    ...(await directions()),
    epochs: 12,
    batchSize: 32,
  };
  const [one, four] = await Promise.all([train(await swarm(t, 1), input), train(await swarm(t, 4), input)]);
  t.same(four.weights, one.weights);
  t.same(four.loss, one.loss);
  t.equal(one.loss.length, 12);
  t.ok((one.loss[11] ?? 1) < 0.9 * (one.loss[0] ?? 0), `${one.loss[0]} to ${one.loss[11]}`);
  t.same(Object.keys(one.agents), ['agent-1']);
  t.ok(Object.keys(four.agents).length > 1, 'the work is shared');
});

t.test('a trainer of the own can compute the gradients', async (t) => {
  const handlers = `
    export const kinds = {
      // of the mean of (w x + b - t)^2
      'neural-training': ({ weights: [w, b], samples, labels, count }) => {
        let loss = 0, dw = 0, db = 0;
        for (let i = 0; i < count; i++) {
          const off = w * samples[i] + b - labels[i];
          loss += off ** 2 / count;
          dw += 2 * off * samples[i] / count;
          db += 2 * off / count;
        }
        return { loss, gradients: [dw, db] };
      },
    };`;
  const directory = t.testdir({ 'own.mjs': handlers });
  const client = await swarm(t, 2, `${directory}/own.mjs`);
  const { weights, loss } = await train(client, {
    model: { inputs: 1, layers: [{ units: 1, activation: 'linear' }], loss: 'mse' },
    optimizer: { name: 'sgd', learningRate: 0.2 },
    samples: [[-1], [0], [1], [2]],
    labels: [-5, -2, 1, 4],
    epochs: 60,
    batchSize: 4,
  });
  t.ok(Math.abs((weights[0]?.[0] ?? 0) - 3) < 1e-3 && Math.abs((weights[1]?.[0] ?? 0) + 2) < 1e-3);
  t.ok((loss.at(-1) ?? 1) < 1e-5);
});
