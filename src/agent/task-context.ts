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

export interface ContextParts {
  readonly taskId: string;
  readonly memories: readonly TaskMemory[];
  readonly traceparent: string | null;
  /** Read on every `throwIfAborted`. */
  readonly isAborted: () => boolean;
  /** Called when a handler first asks for the signal; most never do. */
  readonly makeSignal: () => AbortSignal;
  readonly report: (fraction: number, note?: string) => void;
  /** Milliseconds, from any start. */
  readonly now: () => number;
}

/** The context a handler gets, the same on the main thread and in a worker. */
export function makeContext(parts: ContextParts): TaskContext {
  let signal: AbortSignal | null = null;
  let lastReport = -Infinity;
  return {
    taskId: parts.taskId,
    memories: parts.memories,
    traceparent: parts.traceparent,
    get signal() {
      return (signal ??= parts.makeSignal());
    },
    throwIfAborted() {
      if (parts.isAborted()) throw new TaskAbortedError();
    },
    progress(fraction: unknown, note: unknown) {
      // Handlers are often JavaScript: nothing here is as typed.
      const now = parts.now();
      if (typeof fraction !== 'number' || Number.isNaN(fraction)) return;
      if (now - lastReport < PROGRESS_INTERVAL_MS) return;
      lastReport = now;
      const clamped = Math.min(1, Math.max(0, fraction));
      if (typeof note === 'string') parts.report(clamped, note.slice(0, MAX_NOTE));
      else parts.report(clamped);
    },
  };
}
