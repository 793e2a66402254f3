import t from 'tap';
import { Executor, type ExecutorOptions } from '../../src/agent/executor.js';
import type { RunOutcome } from '../../src/agent/outcome.js';
import type { Run, TaskRunner } from '../../src/agent/runner.js';
import { WorkerPool } from '../../src/agent/worker-pool.js';
import { decodeValue, encodeValue } from '../../src/protocol/value.js';

const handlers = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const functions = {
  double: (input) => input * 2,
  spin(input, { throwIfAborted, progress }) {
    for (let n = 0; ; n++) {
      if (n % 1000 === 0) { progress(n / 1e9, 'spinning'); throwIfAborted(); }
    }
  },
  stubborn(input, { progress }) {
    progress(0.5);
    for (;;);
  },
  listen: (input, { signal, progress }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      progress(0.25);
      setTimeout(() => {}, 60_000);
    }),
  fail() { throw new TypeError('no such thing'); },
  failForGood() { throw Object.assign(new Error('never'), { name: 'Hopeless', retryable: false }); },
  die() { process.exit(7); },
  hoard() { const all = []; for (;;) all.push(new Array(100_000).fill({})); },
  // One array: V8 cannot refuse to let it grow, and ends the process.
  grow() { const all = []; for (;;) all.push(all.length / 2); },
  // Beside the heap.
  buffer() { const all = []; for (;;) all.push(Buffer.alloc(1_000_000, 1)); },
  unsendable: () => new Map(),
  report(input, { progress }) {
    const start = performance.now();
    let reports = 0;
    while (performance.now() < start + 250) { progress(0.5); reports++; }
    return reports;
  },
  odd: (input, { signal, progress }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve('done'));
      progress(NaN);
      progress('0.5');
      progress(7, 'n'.repeat(999));
      setTimeout(() => {}, 60_000);
    }),
};
export const kinds = { 'count-bytes': (input) => input.bytes.length };
`;
const trainer = `
export const kinds = {
  'neural-training': ({ model, weights, count, samples, labels }) =>
    samples[0] > 9 ? { loss: 0, gradients: [1] } : { loss: count, gradients: [weights[0], labels[1]] },
};
export const judge = () => ({ score: 0, confidence: 1 });
`;
// What the test runner preloads takes more memory in a process for handlers than the limits below leave.
process.execArgv = [];
delete process.env['NODE_OPTIONS'];

const directory = t.testdir({ 'handlers.mjs': handlers, 'trainer.mjs': trainer });
const handlersFile = `${directory}/handlers.mjs`;

async function executor(test: Pick<typeof t, 'teardown'>, options: ExecutorOptions = {}): Promise<Executor> {
  const made = await Executor.create({ handlersFile, threads: 1, ...options });
  test.teardown(() => made.close());
  return made;
}

type Starter = Pick<TaskRunner, 'start'>;

interface Watched {
  readonly run: Run;
  readonly outcome: Promise<RunOutcome>;
  readonly firstProgress: Promise<void>;
  readonly progress: { fraction: number; note: string | undefined }[];
}

function start(runner: Starter, name: string, input: unknown = null, kind = 'compute'): Watched {
  const value = kind === 'compute' ? { function: name, input } : input;
  return startRaw(runner, kind, encodeValue(value));
}

function startRaw(runner: Starter, kind: string, payload: Uint8Array): Watched {
  const progress: Watched['progress'] = [];
  let started = () => {};
  const firstProgress = new Promise<void>((resolve) => (started = resolve));
  let finish = (_outcome: RunOutcome) => {};
  const outcome = new Promise<RunOutcome>((resolve) => (finish = resolve));
  const run = runner.start(
    { taskId: 't1', kind, payload },
    {
      progress: (fraction, note) => {
        progress.push({ fraction, note });
        started();
      },
      finished: (ended) => finish(ended),
    },
  );
  return { run, outcome, firstProgress, progress };
}

function resultOf(outcome: RunOutcome): unknown {
  if (outcome.outcome !== 'completed') throw new Error(JSON.stringify(outcome));
  return decodeValue(outcome.payload);
}

t.test('runs a built-in inline kind without any thread', async (t) => {
  const runner = await Executor.create();
  const { outcome } = start(runner, 'echo', { a: [1, 'x', null] });
  t.same(resultOf(await outcome), { a: [1, 'x', null] });
  await runner.close();
});

t.test('runs user functions and own kinds in a worker thread', async (t) => {
  const runner = await executor(t);
  t.same(runner.ownKinds, ['count-bytes']);
  t.equal(resultOf(await start(runner, 'double', 21).outcome), 42);
  const bytes = new Uint8Array(300_000);
  t.equal(resultOf(await start(runner, '', { bytes }, 'count-bytes').outcome), 300_000);
});

t.test('an own trainer computes the gradients in a worker thread, and is held to their form', async (t) => {
  const runner = await executor(t, { handlersFile: `${directory}/trainer.mjs` });
  const work = {
    training: 'x',
    version: 3,
    model: { inputs: 1, layers: [{ units: 1, activation: 'linear' }], loss: 'mse' },
    weights: Float64Array.of(0.5, 0),
    count: 2,
    samples: Float64Array.of(1, 2),
    labels: Float64Array.of(3, 4),
    compression: { name: 'float32' },
  };
  t.match(await start(runner, '', work, 'neural-training').outcome, {
    outcome: 'completed',
    payload: new Uint8Array(Float32Array.of(0.5, 4).buffer),
    summary: { type: 'NeuralGradients', modelVersion: 3, batchSize: 2, loss: 2, encoding: 'float32' },
  });
  const short = { ...work, samples: Float64Array.of(10, 2) };
  t.match(await start(runner, '', short, 'neural-training').outcome, {
    outcome: 'failed',
    error: { message: /its gradients must be 2 numbers, as many as weights; it has 1/ },
  });
  t.match(runner.reasoning.judge?.(), { score: 0, confidence: 1 });
});

t.test('a large echo runs in a worker and comes back whole', async (t) => {
  const runner = await executor(t);
  const values = Float64Array.from({ length: 10_000 }, (_, index) => index / 3);
  t.same(resultOf(await start(runner, 'echo', values).outcome), values);
});

t.test('a pattern-match brings the summary that its answer needs', async (t) => {
  const runner = await executor(t);
  const historical = [Float64Array.of(1, 2, 3), Float64Array.of(9, 1, 9)];
  const input = { current: Float64Array.of(1, 2, 3), historical, k: 1 };
  const outcome = await start(runner, '', input, 'pattern-match').outcome;
  t.match(resultOf(outcome), { matches: [{ index: 0, distance: 0 }] });
  t.match(outcome, { summary: { matchCount: 1, patternType: String, computeTimeMs: Number } });
});

t.test('what a handler throws becomes the error of the task', async (t) => {
  const runner = await executor(t);
  t.match(await start(runner, 'fail').outcome, {
    outcome: 'failed',
    error: { name: 'TypeError', message: 'no such thing', retryable: true },
  });
  t.match(await start(runner, 'failForGood').outcome, {
    outcome: 'failed',
    error: { name: 'Hopeless', message: 'never', retryable: false },
  });
  t.match(await start(runner, 'unsendable').outcome, {
    outcome: 'failed',
    error: { name: 'RESULT_NOT_SERIALIZABLE', message: /a Map cannot be sent/, retryable: false },
  });
  t.match(await start(runner, '', {}, 'no-such-kind').outcome, {
    outcome: 'failed',
    error: { name: 'NO_HANDLER', message: /no-such-kind/, retryable: true },
  });
  t.match(await startRaw(runner, 'compute', Uint8Array.of(0xc1)).outcome, {
    outcome: 'failed',
    error: { name: 'BAD_INPUT', retryable: false },
  });
});

t.test('a synchronous loop sees its abort through throwIfAborted', async (t) => {
  const runner = await executor(t);
  const { run, outcome, firstProgress } = start(runner, 'spin');
  await firstProgress;
  run.abort();
  t.match(await outcome, { outcome: 'aborted' });
});

t.test('a waiting handler sees its abort through the signal, in a worker and inline', async (t) => {
  const runner = await executor(t);
  const listening = start(runner, 'listen');
  await listening.firstProgress;
  listening.run.abort();
  t.match(await listening.outcome, { outcome: 'aborted' });

  const sleeping = start(runner, 'sleep', { ms: 60_000 });
  await new Promise((resolve) => setImmediate(resolve));
  sleeping.run.abort();
  t.match(await sleeping.outcome, { outcome: 'aborted' });
});

t.test('a handler that ignores its abort is terminated, and what waits behind it still runs', async (t) => {
  const runner = await executor(t);
  const stubborn = start(runner, 'stubborn');
  const next = start(runner, 'double', 4);
  await stubborn.firstProgress;
  stubborn.run.abort();
  stubborn.run.terminate();
  t.match(await stubborn.outcome, { outcome: 'aborted' });
  t.equal(resultOf(await next.outcome), 8);
});

t.test('a task that still waits for a thread is aborted without one', async (t) => {
  const runner = await executor(t);
  const stubborn = start(runner, 'stubborn');
  const waiting = start(runner, 'double', 4);
  await stubborn.firstProgress;
  waiting.run.abort();
  t.same(await waiting.outcome, { outcome: 'aborted', runMs: 0 });
  stubborn.run.terminate();
  t.match(await stubborn.outcome, { outcome: 'aborted' });
});

t.test('a handler that ends its thread fails its task alone', async (t) => {
  const runner = await executor(t);
  const dying = start(runner, 'die');
  const next = start(runner, 'double', 5);
  t.match(await dying.outcome, { outcome: 'failed', error: { name: 'WORKER_CRASHED', retryable: true } });
  t.equal(resultOf(await next.outcome), 10);
});

t.test('a task over the memory limit fails alone, wherever its memory is', async (t) => {
  const runner = await executor(t, { threads: 2, handlerMemory: 96 * 2 ** 20 });
  const stubborn = start(runner, 'stubborn');
  // one that ended would be waited for in vain
  t.equal(await Promise.race([stubborn.firstProgress, stubborn.outcome]), undefined);
  const hogs = ['hoard', 'grow', 'buffer'].map((name) => start(runner, name));
  const next = start(runner, 'double', 6);
  for (const hog of hogs) {
    t.match(await hog.outcome, {
      outcome: 'failed',
      error: { name: 'MEMORY_LIMIT', message: /compute took more memory than 96 MiB/, retryable: true },
    });
  }
  t.equal(resultOf(await next.outcome), 12);
  stubborn.run.terminate();
  t.match(await stubborn.outcome, { outcome: 'aborted' }, 'which went on all the time');
});

t.test('threads that cannot even start fail their tasks', async (t) => {
  const pool = new WorkerPool({
    threads: 1,
    handlersFile: null,
    resourceLimits: { maxOldGenerationSizeMb: 1, maxYoungGenerationSizeMb: 1 },
    idleThreadMs: 1000,
  });
  t.teardown(() => pool.close());
  t.match(await start(pool, 'none').outcome, {
    outcome: 'failed',
    error: { name: /WORKER_CRASHED|MEMORY_LIMIT/ },
  });
});

t.test('progress is limited to ten reports a second, and kept within its ranges', async (t) => {
  const runner = await executor(t);
  const busy = start(runner, 'report');
  t.ok(Number(resultOf(await busy.outcome)) > 100);
  t.ok(busy.progress.length >= 1 && busy.progress.length <= 4, `${busy.progress.length} reports in 250 ms`);
  const odd = start(runner, 'odd');
  await odd.firstProgress;
  odd.run.abort();
  // It was aborted and returned all the same: the result counts.
  t.equal(resultOf(await odd.outcome), 'done');
  t.same(odd.progress, [{ fraction: 1, note: 'n'.repeat(256) }]);
});

t.test('close ends everything that runs', async (t) => {
  const runner = await Executor.create({ handlersFile, threads: 1 });
  const running = start(runner, 'stubborn');
  const waiting = start(runner, 'double', 1);
  await running.firstProgress;
  await runner.close();
  t.match(await running.outcome, { outcome: 'aborted' });
  t.match(await waiting.outcome, { outcome: 'aborted' });
});

t.test('a handlers file that is none is refused at once', async (t) => {
  await t.rejects(Executor.create({ handlersFile: `${directory}/missing.mjs` }), {
    name: 'HandlersFileError',
  });
});
