import type { TaskMemory } from '../protocol/messages.js';
import type { Settings } from '../tasks/tuning.js';
import type { RunOutcome } from './outcome.js';

/** One attempt to run a task. */
export interface RunRequest {
  readonly taskId: string;
  readonly kind: string;
  /** The encoded input. It may share its ArrayBuffer with other inputs: a thread gets a copy, not the buffer. */
  readonly payload: Uint8Array;
  /** The agent's own defaults for the kind; absent: none. */
  readonly settings?: Settings;
  /** Lessons that came with the task. */
  readonly memories?: readonly TaskMemory[];
  /** The trace it belongs to, and the span that is its parent (see protocol/traceparent); absent for none. */
  readonly traceparent?: string;
}

/** What a run tells; nothing before `start` has returned, and nothing after `finished`. */
export interface RunListener {
  /** `fraction` is 0 to 1, `note` at most 256 characters; at most ten times a second. */
  progress(fraction: number, note?: string): void;
  finished(outcome: RunOutcome): void;
}

/** One attempt that runs. */
export interface Run {
  /** Asks the handler to stop. What it then throws counts as aborted; a result that it still returns counts. */
  abort(): void;
  /** Ends the run now, the thread of its handler included. */
  terminate(): void;
}

/** What an agent runs its tasks with. Several agents may share one. */
export interface TaskRunner {
  /** Kinds it has handlers for beside the built-in ones. */
  readonly ownKinds: readonly string[];
  start(request: RunRequest, listener: RunListener): Run;
}
