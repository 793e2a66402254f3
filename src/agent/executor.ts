import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { decodeValue } from '../protocol/value.js';
import { loadHandlersFile, type UserHandlers } from '../tasks/handlers-file.js';
import { taskKinds } from '../tasks/registry.js';
import { HandlerProcesses } from './handler-processes.js';
import { InlineKind } from './inline-kind.js';
import { InlineRun } from './inline-run.js';
import type { Run, RunListener, RunRequest, TaskRunner } from './runner.js';
import { WorkerPool } from './worker-pool.js';

/** Of the threads that tasks run in. */
export interface ExecutorOptions {
  /**
   * Worker threads, at most, and as many processes for own handlers. Default: the cores of the machine. An agent's
   * concurrency is the credit it gives, not a number of threads: tasks beyond the threads wait for one, while those that
   * only echo or wait need none.
   */
  readonly threads?: number;
  /** Path of an ES module with the user's handlers. */
  readonly handlersFile?: string;
  /** Memory that a task of an own handler may take, typed arrays and buffers included. Bytes; default 1 GiB. */
  readonly handlerMemory?: number;
  /** An idle worker thread or process ends after this. Milliseconds; default 60,000. */
  readonly idleThreadMs?: number;
}

/** A payload above this is not decoded here only to see where it may run. */
const MAX_INSPECTED_BYTES = 4096;

export const DEFAULT_HANDLER_MEMORY = 2 ** 30;

/**
 * Runs tasks: those whose kind says so on this thread, other built-in ones in worker threads, and own handlers in worker
 * threads of processes of their own, which may come to grief without this one. Those get the encoded input and give back
 * the encoded result. Agents of one process may share it; whoever made it closes it.
 */
export class Executor implements TaskRunner {
  readonly ownKinds: readonly string[];
  /** What the handlers file has for agents of type `reasoning`, which run it themselves. */
  readonly reasoning: Pick<UserHandlers, 'judge' | 'distiller'>;
  readonly #pool: WorkerPool;
  readonly #processes: HandlerProcesses | null;
  readonly #inlineKinds = new Map<string, InlineKind>();

  private constructor(options: ExecutorOptions, own: UserHandlers | undefined) {
    this.ownKinds = [...(own?.kinds.keys() ?? [])];
    this.reasoning = { judge: own?.judge, distiller: own?.distiller };
    const threads = Math.max(1, options.threads ?? availableParallelism());
    const idleMs = options.idleThreadMs ?? 60_000;
    const { handlersFile, handlerMemory = DEFAULT_HANDLER_MEMORY } = options;
    this.#pool = new WorkerPool({ threads, handlersFile: null, idleThreadMs: idleMs });
    this.#processes =
      handlersFile === undefined
        ? null
        : new HandlerProcesses({
            processes: threads,
            handlersFile: resolve(handlersFile),
            memoryLimit: handlerMemory,
            idleMs,
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
    const inline = this.#startInline(request, listener);
    if (inline !== null) return inline;
    const { kind } = request;
    const own = kind === 'compute' || this.ownKinds.includes(kind) ? this.#processes : null;
    return (own ?? this.#pool).start(request, listener);
  }

  /** Ends every run, the threads and the processes. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#processes?.close()]);
  }

  /** Null when the task may not run on this thread. */
  #startInline(request: RunRequest, listener: RunListener): Run | null {
    const { kind, payload } = request;
    const builtIn = taskKinds.get(kind);
    if (builtIn === undefined || this.ownKinds.includes(kind)) return null;
    if (payload.byteLength > MAX_INSPECTED_BYTES) return null;
    let input: unknown;
    try {
      input = decodeValue(payload);
      if (builtIn.placement(input) !== 'inline') return null;
    } catch {
      // The worker decodes it again and says what is wrong.
      return null;
    }
    const run = new InlineRun(request, input, listener);
    this.#inlineKind(kind).start(run);
    return run;
  }

  #inlineKind(name: string): InlineKind {
    let kind = this.#inlineKinds.get(name);
    if (kind === undefined) {
      kind = new InlineKind(name);
      this.#inlineKinds.set(name, kind);
    }
    return kind;
  }
}
