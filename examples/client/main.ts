import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, connectQuic, TaskRejected, type SubmittedTask, type TaskOutcome } from 'quic-swarm';

/** A program that has work for a swarm: what README.md beside it promises, one function for each. */

const { values: options } = parseArgs({
  options: {
    connect: { type: 'string', default: '127.0.0.1:5000' },
    ca: { type: 'string', default: 'certs/ca.crt' },
  },
});

/** Submit a task and wait for its result. */
async function runOne(client: Client): Promise<void> {
  const outcome = await client.run({
    kind: 'compute',
    input: { function: 'echo', input: 'hello' },
    priority: 8,
  });
  report('one task', outcome);
}

/** Watch how far a task is, beside waiting for its end. */
async function watchProgress(client: Client): Promise<void> {
  const task = await client.submit(
    {
      kind: 'neural-training',
      input: {
        model: {
          inputs: 2,
          layers: [
            { units: 8, activation: 'tanh' },
            { units: 1, activation: 'sigmoid' },
          ],
          loss: 'binary-cross-entropy',
        },
        optimizer: { name: 'adam', learningRate: 0.1 },
        samples: [[0, 0], [0, 1], [1, 0], [1, 1]],
        labels: [[0], [1], [1], [0]],
        epochs: 200,
        batchSize: 4,
      },
    },
    { watch: true },
  ); // prettier-ignore
  const ended = new AbortController();
  const asking = askForProgress(client, task.taskId, ended.signal);
  const outcome = await task.result();
  ended.abort();
  await asking;
  const { loss } = outcome.result as { loss: ArrayLike<number> };
  console.log(
    `training: ${outcome.state}, loss from ${loss[0]?.toFixed(3)} to ${loss[loss.length - 1]?.toFixed(3)}`,
  );
}

async function askForProgress(client: Client, taskId: string, ended: AbortSignal): Promise<void> {
  let known: number | null = null;
  while (!ended.aborted) {
    const { task } = await client.task(taskId);
    if (task.progress !== null && task.progress !== known)
      console.log(`progress: ${Math.round(100 * task.progress)} %`);
    known = task.progress;
    await pause(100, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** Submit many tasks at once, of which one needs the results of the others. */
async function runBatch(client: Client): Promise<void> {
  const parts = await Promise.all(
    [[1, 2, 3], [2, 3, 4], [3, 4, 5]].map((prices) =>
      client.submit({ kind: 'compute', input: { function: 'echo', input: { prices } } })),
  ); // prettier-ignore
  const historical = parts.map(({ taskId }) => ({ $result: taskId, at: '/prices' }));
  const match = await client.submit(
    {
      kind: 'pattern-match',
      needs: parts.map(({ taskId }) => taskId),
      input: { current: [2, 3, 4], historical, k: 1 },
    },
    { watch: true },
  );
  const { state, result } = await match.result();
  const { matches } = result as { matches: readonly { readonly index: number }[] };
  console.log(`batch: ${state}, nearest is number ${matches[0]?.index}`);
}

/** With an idempotency key the same work, submitted twice, is one task: a program that crashed may simply say it again. */
async function submitTwice(client: Client): Promise<void> {
  const submit = (): Promise<SubmittedTask> =>
    client.submit({
      kind: 'compute',
      input: { function: 'echo', input: 'once' },
      idempotencyKey: 'report-of-2026-01-31',
    });
  const [first, second] = [await submit(), await submit()];
  console.log(`idempotency: ${first.taskId === second.taskId ? 'one task' : 'two tasks'}`);
}

/** Take back a task that is no longer wanted. */
async function cancelOne(client: Client): Promise<void> {
  const task = await client.submit(
    { kind: 'compute', input: { function: 'sleep', input: { ms: 600_000 } } },
    { watch: true },
  );
  await client.cancel(task.taskId);
  report('cancel', await task.result());
  try {
    await client.cancel(task.taskId);
  } catch (error) {
    if (!(error instanceof TaskRejected)) throw error;
    console.log(`cancel again: ${error.reasonName}`);
  }
}

function report(what: string, { state, result, error, agentId }: TaskOutcome): void {
  console.log(
    `${what}: ${state}${agentId === null ? '' : ` by ${agentId}`}, ${JSON.stringify(error ?? result)}`,
  );
}

const connector = connectQuic({ tls: { ca: await readFile(options.ca, 'utf8') } });
const client = await Client.connect({
  addresses: [options.connect],
  connector: (to) => connector.connect(to),
});
try {
  await runOne(client);
  await watchProgress(client);
  await runBatch(client);
  await submitTwice(client);
  await cancelOne(client);
} finally {
  client.close();
  await connector.close();
}
