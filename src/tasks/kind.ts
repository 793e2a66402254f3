import type { AgentType, TaskMemory } from '../protocol/messages.js';
import type { Tuning } from './tuning.js';

/** A bad input: where it is (`path`, such as `historical[2][7]`), what is wrong, and what to do. */
export class TaskInputError extends Error {
  override readonly name = 'TaskInputError';
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(`${path === '' ? 'input' : path}: ${problem}`);
  }
}

/** What a handler gets beside its input. */
export interface TaskContext {
  readonly taskId: string;
  /** Lessons from tasks like this one, the most fitting first; empty when there are none. */
  readonly memories: readonly TaskMemory[];
  /** W3C traceparent to hand on to what the handler calls: the trace of the task and the span of this run; null outside of any trace. */
  readonly traceparent: string | null;
  /** Fires when the task is cancelled or times out; synchronous loops call `throwIfAborted` instead. */
  readonly signal: AbortSignal;
  /** Throws the signal's reason when the task is no longer wanted. Cheap: call it often in long loops. */
  throwIfAborted(): void;
  /** Reports the fraction done, 0 to 1, and an optional note of at most 256 characters. */
  progress(fraction: number, note?: string): void;
}

/** Runs one task. What it returns (MessagePack values, typed arrays, plain objects) is the result. */
export type TaskHandler = (input: unknown, context: TaskContext) => unknown;

/** A kind of task as the coordinator and the clients know it: its name, who takes it, and what input is valid. */
export interface TaskKind {
  readonly name: string;
  /** Agent types that take it, beside `worker`, which takes all. */
  readonly agentTypes: readonly AgentType[];
  /**
   * Checks an input as it comes from JSON or from the wire and returns it in wire form: number lists as typed
   * arrays, defaults filled in. Idempotent. Throws TaskInputError at the first fault.
   */
  parseInput(input: unknown): unknown;
  /** Checks what an agent is given, where that is not the input itself but a part of its work. As `parseInput` otherwise. */
  parseWork?(work: unknown): unknown;
  /**
   * `inline`: this input's work never blocks the event loop (it only echoes or waits) and runs on the agent's main
   * thread; `worker`: it runs in a worker thread.
   */
  placement(input: unknown): 'inline' | 'worker';
  /** Fields for which an agent may be told another default; absent: none. */
  readonly tuning?: Tuning;
  /** Circumstances to learn by, few and coarse, from what `parseInput` gave. */
  contextOf?(input: unknown): Readonly<Record<string, string | number | boolean | null>>;
  /** The series whose shape is worth remembering with what comes of it, from what `parseInput` gave; null: none. */
  patternOf?(input: unknown): Float64Array | null;
}
