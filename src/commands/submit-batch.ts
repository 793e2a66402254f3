import { setMaxListeners } from 'node:events';
import type { Client } from '../client/client.js';
import { TaskRejected } from '../client/errors.js';
import type { TaskOutcome } from '../client/task.js';
import { BatchNeeds, NeedRefused } from './batch-needs.js';
import { EXIT, UsageError, type ExitStatus } from './exit.js';
import type { BatchTask } from './input/batch-task.js';
import type { Batch } from './input/batch.js';
import type { SubmitOptions } from './options/submit-options.js';
import { writeJson } from './output/json.js';
import { Output } from './output/output.js';
import { startProgress } from './output/progress.js';

/** Lines under way at once: what bounds the memory of a batch of a million lines. */
const MAX_OPEN = 10_000;

/** What became of one line. */
type LineEnd = { readonly line: number } & (
  | { readonly state: 'submitted'; readonly taskId: string }
  | TaskOutcome
  | { readonly state: 'refused'; readonly error: { readonly name: string; readonly message: string } }
);

/**
 * Submits every task of a batch, many at a time, and with `--wait` waits for all of them. Results are printed in the
 * order in which they come, with their line. A line without options of its own takes those of the command.
 */
export async function submitBatch(
  client: Client,
  batch: Batch,
  options: SubmitOptions,
  signal: AbortSignal,
): Promise<ExitStatus> {
  await checkNeededTasks(client, batch.neededTasks);
  const output = new Output();
  const stopped = AbortSignal.any([signal, output.gone]);
  // Each line that is under way listens.
  setMaxListeners(0, stopped);
  const progress = await startProgress({
    label: options.wait ? 'tasks done' : 'tasks submitted',
    total: batch.count,
  });
  const counts = new Map<string, number>();
  /** Lines that are counted against MAX_OPEN, and all that are not done. */
  let open = 0;
  let running = 0;
  let failure: unknown = null;
  let wake: () => void = () => undefined;
  /** Resolves when no more than `limit` lines are open, or there is no use in waiting. */
  const openAtMost = async (limit: number) => {
    while (open > limit && failure === null && !stopped.aborted) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const finish = async (end: LineEnd) => {
    counts.set(end.state, (counts.get(end.state) ?? 0) + 1);
    progress.advance();
    if (options.json) await writeJson(output, end);
    else if (!options.wait && end.state === 'submitted') await output.write(`${end.taskId}\n`);
  };
  const needs = new BatchNeeds(new Set(batch.neededTasks));
  const run = async (line: number, batchTask: BatchTask) => {
    try {
      const request = { ...defaultsOf(options), ...(await needs.resolve(batchTask)) };
      const task = await client.submit(request, { signal: stopped, watch: options.wait });
      needs.settle(batchTask, task.taskId);
      if (options.wait) await finish({ line, ...(await task.result()) });
      else await finish({ line, state: 'submitted', taskId: task.taskId });
    } catch (error) {
      needs.settle(batchTask, null);
      if (!(error instanceof TaskRejected || error instanceof NeedRefused)) throw error;
      const name = error instanceof TaskRejected ? error.reasonName : error.name;
      await finish({ line, state: 'refused', error: { name, message: error.message } });
      process.stderr.write(`error: line ${String(line)}: refused (${name}): ${error.message}\n`);
    }
  };
  const wakeNow = () => wake();
  stopped.addEventListener('abort', wakeNow, { once: true });
  try {
    for await (const { line, task } of batch.entries()) {
      await openAtMost(MAX_OPEN - 1);
      if (failure !== null || stopped.aborted) break;
      // one that waits for a later line must not keep that from being read
      const counted = needs.waits(task) ? 0 : 1;
      open += counted;
      running++;
      run(line, task)
        .catch((error: unknown) => (failure ??= error))
        .finally(() => {
          open -= counted;
          running--;
          wake();
        });
    }
    while (running > 0 && failure === null && !stopped.aborted) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stopped.removeEventListener('abort', wakeNow);
    progress.stop();
  }
  if (signal.aborted) throw asError(signal.reason);
  if (failure !== null) throw asError(failure);
  if (output.gone.aborted) return EXIT.done;
  if (!options.json && options.wait) await output.write(`${summary(counts)}\n`);
  return statusOf(counts);
}

/** All tasks that lines need are there, or nothing is submitted. */
async function checkNeededTasks(client: Client, taskIds: readonly string[]): Promise<void> {
  // one after the other: few are needed, and a connection may ask only so much at once
  for (const taskId of taskIds) {
    try {
      await client.task(taskId);
    } catch (error) {
      if (!(error instanceof TaskRejected) || error.reasonName !== 'UNKNOWN_TASK') throw error;
      throw new UsageError(`--batch: needs: ${error.message}; nothing was submitted`, { cause: error });
    }
  }
}

function defaultsOf(options: SubmitOptions) {
  return {
    priority: options.priority,
    attempts: options.attempts,
    ...(options.delay === 0 ? {} : { delayMs: options.delay }),
    ...(options.timeout === null ? {} : { timeoutMs: options.timeout }),
    ...(options.affinity === null ? {} : { affinity: options.affinity }),
    ...(options.traceparent === null ? {} : { traceparent: options.traceparent }),
    ...(options.onFailedNeed === 'fail' ? {} : { onFailedNeed: options.onFailedNeed }),
  };
}

function statusOf(counts: ReadonlyMap<string, number>): ExitStatus {
  if ((counts.get('refused') ?? 0) > 0) return EXIT.refused;
  return [...counts.keys()].every((state) => state === 'completed' || state === 'submitted')
    ? EXIT.done
    : EXIT.failed;
}

function summary(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([state, count]) => `${String(count)} ${state}`).join(', ');
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
