import type { TaskMemory } from '../protocol/messages.js';
import type { TaskContext } from '../tasks/kind.js';

/** The reason of a task's signal, and what `throwIfAborted` throws. */
export class TaskAbortedError extends Error {
  override readonly name = 'TaskAbortedError';
  readonly retryable = true;
  constructor() {
    super('the task was cancelled or ran out of time');
  }
}

/** What reporting may cost: ten reports a second for each task. */
const PROGRESS_INTERVAL_MS = 100;
const MAX_NOTE = 256;

/** The context of a run, the same on the main thread and in a worker. */
export abstract class RunContext implements TaskContext {
  #signal: AbortSignal | null = null;
  #lastReport = -Infinity;

  constructor(
    readonly taskId: string,
    readonly memories: readonly TaskMemory[],
    readonly traceparent: string | null,
  ) {}

  /** Read on every `throwIfAborted`. */
  abstract get isAborted(): boolean;
  /** Called when a handler first asks for the signal; most never do. */
  protected abstract makeSignal(): AbortSignal;
  protected abstract report(fraction: number, note?: string): void;

  get signal(): AbortSignal {
    return (this.#signal ??= this.makeSignal());
  }

  throwIfAborted(): void {
    if (this.isAborted) throw new TaskAbortedError();
  }

  progress(fraction: unknown, note?: unknown): void {
    // Handlers are often JavaScript: nothing here is as typed.
    const now = performance.now();
    if (typeof fraction !== 'number' || Number.isNaN(fraction)) return;
    if (now - this.#lastReport < PROGRESS_INTERVAL_MS) return;
    this.#lastReport = now;
    const clamped = Math.min(1, Math.max(0, fraction));
    if (typeof note === 'string') this.report(clamped, note.slice(0, MAX_NOTE));
    else this.report(clamped);
  }
}

/** For handlers of the user's, which may take it apart: its parts need no `this`, and are its own properties. */
export function detached(context: TaskContext): TaskContext {
  return {
    taskId: context.taskId,
    memories: context.memories,
    traceparent: context.traceparent,
    get signal() {
      return context.signal;
    },
    throwIfAborted() {
      context.throwIfAborted();
    },
    progress(fraction, note) {
      context.progress(fraction, note);
    },
  };
}
