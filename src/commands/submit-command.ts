import type { Command } from 'commander';
import type { Client } from '../client/client.js';
import { encodeInput, type TaskOutcome, type TaskRequest } from '../client/task.js';
import { MAX_NEEDS } from '../protocol/limits.js';
import { TaskInputError } from '../tasks/kind.js';
import { taskKinds } from '../tasks/registry.js';
import { withClient } from './connection.js';
import { EXIT, UsageError, type ExitStatus } from './exit.js';
import { BatchLineProblem, type BatchTask } from './input/batch-task.js';
import { openBatch } from './input/batch.js';
import { readCsvPattern } from './input/csv.js';
import { readJsonInput } from './input/json-input.js';
import { onInterrupt, type Interrupts } from './interrupt.js';
import { taskKind } from './options/identity.js';
import { addOptions } from './options/options.js';
import { readArgument } from './options/read-argument.js';
import { readSubmitOptions, submitOptions, type SubmitOptions } from './options/submit-options.js';
import { toJson, writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { addExample } from './program.js';
import { submitBatch } from './submit-batch.js';

/** Adds `submit`: one task from JSON or CSV, or a batch of them. `end` gets its exit status. */
export function registerSubmitCommand(program: Command, end: (status: ExitStatus) => void): Command {
  const command = program
    .command('submit')
    .description('submit a task, or a batch of them, to a running coordinator')
    .argument('[KIND]', `kind of task: ${[...taskKinds.keys()].join(', ')}, or one of your agents' own`);
  addOptions(command, submitOptions);
  addExample(
    command,
    `echo '{"function": "echo", "input": "hello"}' | swarm-coordinator submit compute --input - --wait --json`,
  );
  command.action(async (kind: string | undefined) => {
    end(await submit(kind, await readSubmitOptions(command)));
  });
  return command;
}

async function submit(kindArgument: string | undefined, options: SubmitOptions): Promise<ExitStatus> {
  const interrupts = onInterrupt();
  try {
    if (options.source.from === 'batch') {
      if (kindArgument !== undefined) {
        throw new UsageError('KIND: does not go with --batch: each line of the batch names its own kind');
      }
      if (options.idempotencyKey !== null) {
        throw new UsageError(
          '--idempotency-key: does not go with --batch: each line of the batch has its own',
        );
      }
      if (options.after.length > 0) {
        throw new UsageError('--after: does not go with --batch: a line of the batch says what it needs');
      }
      const batch = await openBatch(options.source.path, { check: checkTask });
      try {
        return await withClient(options, (client) => submitBatch(client, batch, options, interrupts.signal));
      } finally {
        await batch.close();
      }
    }
    const request = await readRequest(kindArgument, options);
    return await withClient(options, (client) => submitOne(client, request, options, interrupts));
  } finally {
    interrupts.stop();
  }
}

async function readRequest(kindArgument: string | undefined, options: SubmitOptions): Promise<TaskRequest> {
  const { source } = options;
  const fromCsv = source.from === 'csv';
  const kind = kindArgument ?? (fromCsv ? 'pattern-match' : null);
  if (kind === null) throw new UsageError(`KIND: is missing (${[...taskKinds.keys()].join(', ')})`);
  const request = {
    kind: readArgument('KIND', kind, taskKind),
    priority: options.priority,
    attempts: options.attempts,
    delayMs: options.delay,
    ...(options.timeout === null ? {} : { timeoutMs: options.timeout }),
    ...(options.idempotencyKey === null ? {} : { idempotencyKey: options.idempotencyKey }),
    ...(options.affinity === null ? {} : { affinity: options.affinity }),
    ...(options.traceparent === null ? {} : { traceparent: options.traceparent }),
    ...(options.after.length === 0
      ? {}
      : { needs: [...new Set(options.after)], onFailedNeed: options.onFailedNeed }),
  };
  if (options.after.length > MAX_NEEDS)
    throw new UsageError(`--after: a task may need at most ${String(MAX_NEEDS)} others`);
  if (fromCsv && kind !== 'pattern-match')
    throw new UsageError(`--csv: is for pattern-match, not for ${kind}`);
  const input = fromCsv
    ? await readCsvPattern(source.path, { column: source.column, window: source.window })
    : await readJsonInput(source.from === 'input' ? source.path : '-');
  // Checked before anything is connected: bad input costs nobody else anything.
  try {
    return { ...request, payload: encodeInput({ ...request, input }) };
  } catch (error) {
    if (!(error instanceof TaskInputError)) throw error;
    const where = source.path === '-' ? 'standard input' : source.path;
    throw new UsageError(`--${source.from}: ${where}: ${error.message}`, { cause: error });
  }
}

/** A kind of an agent's own is known to the coordinator alone; its input is checked there. */
function checkTask(task: BatchTask): void {
  const { kind } = task;
  if (taskKinds.has(kind)) encodeInput(task);
  else if (!/^[a-z][a-z0-9-]*$/.test(kind)) throw new BatchLineProblem(`'${kind}' is not a kind of task`);
}

async function submitOne(
  client: Client,
  request: TaskRequest,
  options: SubmitOptions,
  interrupts: Interrupts,
): Promise<ExitStatus> {
  const output = new Output();
  const task = await client.submit(request, { signal: interrupts.signal, watch: options.wait });
  if (!options.wait) {
    if (options.json) await writeJson(output, { taskId: task.taskId });
    else await output.write(`${task.taskId}\n`);
    return EXIT.done;
  }
  const outcome = await untilInterrupted(task.result(), task.taskId, interrupts.signal);
  if (options.json) await writeJson(output, outcome);
  else await output.write(formatOutcome(outcome));
  return outcome.state === 'completed' ? EXIT.done : EXIT.failed;
}

/** The outcome, unless the user stops waiting; the task itself goes on. */
async function untilInterrupted(
  outcome: Promise<TaskOutcome>,
  taskId: string,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const interrupt = () => {
      process.stderr.write(`task ${taskId} goes on\n`);
      reject(signal.reason instanceof Error ? signal.reason : new Error('interrupted'));
    };
    signal.addEventListener('abort', interrupt, { once: true });
    outcome.then(resolve, reject).finally(() => signal.removeEventListener('abort', interrupt));
  });
}

function formatOutcome(outcome: TaskOutcome): string {
  const head = `task ${outcome.taskId} ${outcome.state}`;
  const where = outcome.agentId === null ? '' : ` by ${outcome.agentId}`;
  const times =
    outcome.runMs === null
      ? ''
      : ` (queued ${(outcome.queuedMs ?? 0).toFixed(1)} ms, ran ${outcome.runMs.toFixed(1)} ms)`;
  const body =
    outcome.state === 'completed'
      ? toJson(outcome.result, 2)
      : `${outcome.error?.name ?? 'no error'}: ${outcome.error?.message ?? ''}`;
  return `${head}${where}${times}\n${body}\n`;
}
