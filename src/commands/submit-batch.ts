import { setMaxListeners } from 'node:events';
import type { Client } from '../client/client.js';
import { TaskRejected } from '../client/errors.js';
import type { TaskOutcome } from '../client/task.js';
import { EXIT, type ExitStatus } from './exit.js';
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
  const output = new Output();
  const stopped = AbortSignal.any([signal, output.gone]);
  // Each line that is under way listens.
  setMaxListeners(0, stopped);
  const progress = await startProgress({
    label: options.wait ? 'tasks done' : 'tasks submitted',
    total: batch.count,
  });
  const counts = new Map<string, number>();
  let open = 0;
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
  const run = async (line: number, request: Parameters<Client['submit']>[0]) => {
    try {
      const task = await client.submit(request, { signal: stopped, watch: options.wait });
      if (options.wait) await finish({ line, ...(await task.result()) });
      else await finish({ line, state: 'submitted', taskId: task.taskId });
    } catch (error) {
      if (!(error instanceof TaskRejected)) throw error;
      await finish({ line, state: 'refused', error: { name: error.reasonName, message: error.message } });
      process.stderr.write(`error: line ${String(line)}: refused (${error.reasonName}): ${error.message}\n`);
    }
  };
  const wakeNow = () => wake();
  stopped.addEventListener('abort', wakeNow, { once: true });
  try {
    for await (const { line, task } of batch.entries()) {
      await openAtMost(MAX_OPEN - 1);
      if (failure !== null || stopped.aborted) break;
      open++;
      run(line, { ...defaultsOf(options), ...task })
        .catch((error: unknown) => (failure ??= error))
        .finally(() => {
          open--;
          wake();
        });
    }
    await openAtMost(0);
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

function defaultsOf(options: SubmitOptions) {
  return {
    priority: options.priority,
    attempts: options.attempts,
    ...(options.delay === 0 ? {} : { delayMs: options.delay }),
    ...(options.timeout === null ? {} : { timeoutMs: options.timeout }),
    ...(options.affinity === null ? {} : { affinity: options.affinity }),
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
