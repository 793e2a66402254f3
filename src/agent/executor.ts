import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { ResourceLimits } from 'node:worker_threads';
import { decodeValue } from '../protocol/value.js';
import { errorDetailOf } from '../tasks/failure.js';
import { loadHandlersFile, type UserHandlers } from '../tasks/handlers-file.js';
import type { TaskHandler } from '../tasks/kind.js';
import { loadHandler, taskKinds } from '../tasks/registry.js';
import { attempt, failedRun } from './attempt.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunListener, RunRequest, TaskRunner } from './runner.js';
import { makeContext, TaskAbortedError } from './task-context.js';
import { WorkerPool } from './worker-pool.js';

/** Of the threads that tasks run in. */
export interface ExecutorOptions {
  /**
   * Worker threads, at most. Default: the cores of the machine. An agent's concurrency is the credit it gives, not
   * a number of threads: tasks beyond the threads wait for one, while those that only echo or wait need none.
   */
  readonly threads?: number;
  /** Path of an ES module with the user's handlers. */
  readonly handlersFile?: string;
  /** Limits of each worker thread; none by default. */
  readonly resourceLimits?: ResourceLimits;
  /** An idle worker thread ends after this. Milliseconds; default 60,000. */
  readonly idleThreadMs?: number;
}

/** A payload above this is not decoded here only to see where it may run. */
const MAX_INSPECTED_BYTES = 4096;

/**
 * Runs tasks: those whose kind says so on this thread, all others in worker threads, which get the encoded input and
 * give back the encoded result. Agents of one process may share it; whoever made it closes it.
 */
export class Executor implements TaskRunner {
  readonly ownKinds: readonly string[];
  /** What the handlers file has for agents of type `reasoning`, which run it themselves. */
  readonly reasoning: Pick<UserHandlers, 'judge' | 'distiller'>;
  readonly #pool: WorkerPool;
  readonly #inlineHandlers = new Map<string, Promise<TaskHandler>>();

  private constructor(options: ExecutorOptions, own: UserHandlers | undefined) {
    this.ownKinds = [...(own?.kinds.keys() ?? [])];
    this.reasoning = { judge: own?.judge, distiller: own?.distiller };
    this.#pool = new WorkerPool({
      threads: Math.max(1, options.threads ?? availableParallelism()),
      handlersFile: options.handlersFile === undefined ? null : resolve(options.handlersFile),
      resourceLimits: options.resourceLimits,
      idleThreadMs: options.idleThreadMs ?? 60_000,
    });
  }

  /** @throws HandlersFileError when the handlers file is missing or exports something that is not a handler. */
  static async create(options: ExecutorOptions = {}): Promise<Executor> {
    const { handlersFile } = options;
    return new Executor(
      options,
      handlersFile === undefined ? undefined : await loadHandlersFile(handlersFile),
    );
  }

  /** Runs one attempt of a task; `listener` hears of its progress and its end. */
  start(request: RunRequest, listener: RunListener): Run {
    const inline = this.#inlineInput(request);
    return inline === null
      ? this.#pool.start(request, listener)
      : this.#startInline(request, inline, listener);
  }

  /** Ends every run, and the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  /** The decoded input of a task that may run on this thread, else null. */
  #inlineInput({ kind, payload }: RunRequest): { readonly input: unknown } | null {
    const builtIn = taskKinds.get(kind);
    if (builtIn === undefined || this.ownKinds.includes(kind)) return null;
    if (payload.byteLength > MAX_INSPECTED_BYTES) return null;
    try {
      const input = decodeValue(payload);
      return builtIn.placement(input) === 'inline' ? { input } : null;
    } catch {
      // The worker decodes it again and says what is wrong.
      return null;
    }
  }

  #startInline(request: RunRequest, { input }: { readonly input: unknown }, listener: RunListener): Run {
    const { taskId, kind } = request;
    let phase: 'running' | 'aborted' | 'over' = 'running';
    let controller: AbortController | null = null;
    const over = (outcome: RunOutcome) => {
      if (phase === 'over') return;
      phase = 'over';
      listener.finished(outcome);
    };
    const abort = () => {
      if (phase !== 'running') return;
      phase = 'aborted';
      controller?.abort(new TaskAbortedError());
    };
    const isAborted = () => phase === 'aborted';
    const context = makeContext({
      taskId,
      memories: request.memories ?? [],
      isAborted,
      makeSignal: () => {
        controller = new AbortController();
        if (isAborted()) controller.abort(new TaskAbortedError());
        return controller.signal;
      },
      report: (fraction, note) => {
        if (phase === 'over') return;
        if (note === undefined) listener.progress(fraction);
        else listener.progress(fraction, note);
      },
      now: () => performance.now(),
    });
    this.#inlineHandler(kind)
      .then((handler) => attempt(kind, handler, input, context, isAborted))
      .then(over, (thrown: unknown) => over(failedRun(0, 'NO_HANDLER', errorDetailOf(thrown).message, true)));
    return {
      abort,
      terminate: () => {
        abort();
        queueMicrotask(() => over({ outcome: 'aborted', runMs: 0 }));
      },
    };
  }

  #inlineHandler(kind: string): Promise<TaskHandler> {
    let handler = this.#inlineHandlers.get(kind);
    if (handler === undefined) {
      handler = loadHandler(kind);
      this.#inlineHandlers.set(kind, handler);
    }
    return handler;
  }
}
