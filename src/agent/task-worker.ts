import { move, transferableSymbol, valueSymbol } from 'piscina';
import { decodeValue } from '../protocol/value.js';
import { errorDetailOf } from '../tasks/failure.js';
import { loadHandlersFile, type UserHandlers } from '../tasks/handlers-file.js';
import type { TaskHandler } from '../tasks/kind.js';
import { loadHandler } from '../tasks/registry.js';
import { tuned } from '../tasks/tuning.js';
import { attempt, failedRun } from './attempt.js';
import type { RunOutcome } from './outcome.js';
import { makeContext, TaskAbortedError } from './task-context.js';
import { ABORTED_FLAG, STARTED_FLAG, type ProgressReport, type WorkerJob } from './worker-job.js';

/** The entry of a worker thread: decodes the input, runs the handler, encodes the result. Never rejects. */
export default async function runJob(job: WorkerJob): Promise<unknown> {
  Atomics.store(job.flags, STARTED_FLAG, 1);
  const outcome = await runOutcome(job);
  job.port.close();
  if (outcome.outcome !== 'completed') return outcome;
  return move({ [transferableSymbol]: [outcome.payload.buffer], [valueSymbol]: outcome });
}

async function runOutcome(job: WorkerJob): Promise<RunOutcome> {
  const { taskId, kind, payload, flags, port } = job;
  const isAborted = () => Atomics.load(flags, ABORTED_FLAG) === 1;
  let handler: TaskHandler;
  let input: unknown;
  try {
    handler = await handlerOf(kind, job.handlersFile);
  } catch (thrown) {
    // Another agent may have the handler, or a file that imports.
    return failedRun(0, 'NO_HANDLER', errorDetailOf(thrown).message, true);
  }
  if (isAborted()) return { outcome: 'aborted', runMs: 0 };
  try {
    input = tuned(kind, decodeValue(payload), job.settings);
  } catch (thrown) {
    return failedRun(0, 'BAD_INPUT', errorDetailOf(thrown).message, false);
  }
  const makeSignal = () => {
    const controller = new AbortController();
    port.on('message', () => controller.abort(new TaskAbortedError()));
    return controller.signal;
  };
  const report = (fraction: number, note?: string) => {
    const message: ProgressReport = note === undefined ? { fraction } : { fraction, note };
    port.postMessage(message);
  };
  const { memories, traceparent } = job;
  const context = makeContext({
    taskId,
    memories,
    traceparent,
    isAborted,
    makeSignal,
    report,
    now: () => performance.now(),
  });
  return attempt(kind, handler, input, context, isAborted);
}

let userHandlers: Promise<UserHandlers> | null = null;
const handlers = new Map<string, TaskHandler>();

async function handlerOf(kind: string, handlersFile: string | null): Promise<TaskHandler> {
  const known = handlers.get(kind);
  if (known !== undefined) return known;
  if (handlersFile !== null) userHandlers ??= loadHandlersFile(handlersFile);
  const handler = await loadHandler(kind, (await userHandlers) ?? undefined);
  handlers.set(kind, handler);
  return handler;
}
