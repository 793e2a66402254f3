import type { MessagePort } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { decodeValue } from '../protocol/value.js';
import { errorDetailOf } from '../tasks/failure.js';
import { loadHandlersFile, type UserHandlers } from '../tasks/handlers-file.js';
import type { TaskHandler } from '../tasks/kind.js';
import { loadHandler } from '../tasks/registry.js';
import { tuned } from '../tasks/tuning.js';
import { attempt, failedRun } from './attempt.js';
import type { RunOutcome } from './outcome.js';
import { detached, RunContext, TaskAbortedError } from './task-context.js';
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
  const { kind, payload, flags } = job;
  let handler: TaskHandler;
  let input: unknown;
  try {
    handler = await handlerOf(kind, job.handlersFile);
  } catch (thrown) {
    // Another agent may have the handler, or a file that imports.
    return failedRun(0, 'NO_HANDLER', errorDetailOf(thrown).message, true);
  }
  if (Atomics.load(flags, ABORTED_FLAG) === 1) return { outcome: 'aborted', runMs: 0 };
  try {
    input = tuned(kind, decodeValue(payload), job.settings);
  } catch (thrown) {
    return failedRun(0, 'BAD_INPUT', errorDetailOf(thrown).message, false);
  }
  const context = new WorkerContext(job);
  return attempt(kind, handler, input, detached(context), context);
}

class WorkerContext extends RunContext {
  readonly #flags: Int32Array;
  readonly #port: MessagePort;

  constructor({ taskId, memories, traceparent, flags, port }: WorkerJob) {
    super(taskId, memories, traceparent);
    this.#flags = flags;
    this.#port = port;
  }

  get isAborted(): boolean {
    return Atomics.load(this.#flags, ABORTED_FLAG) === 1;
  }

  protected makeSignal(): AbortSignal {
    const controller = new AbortController();
    this.#port.on('message', () => controller.abort(new TaskAbortedError()));
    return controller.signal;
  }

  protected report(fraction: number, note?: string): void {
    const message: ProgressReport = note === undefined ? { fraction } : { fraction, note };
    this.#port.postMessage(message);
  }
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
