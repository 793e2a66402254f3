import type {
  ErrorDetail,
  MessageFields,
  MessageOf,
  TaskHistoryEntry,
  TaskState,
  TaskSummary,
} from '../protocol/messages.js';
import { readTraceparent, writeTraceparent } from '../protocol/traceparent.js';
import { encodeValue, ValueError } from '../protocol/value.js';
import { TaskInputError } from '../tasks/kind.js';
import { taskKinds } from '../tasks/registry.js';
import { namedResults } from '../tasks/results-in-inputs.js';
import { wireInput } from '../tasks/tuning.js';

/** A task to submit. */
export type TaskRequest = {
  readonly kind: string;
  /** 0 to 10, 10 first; default 5. */
  readonly priority?: number;
  /** For each attempt; default the coordinator's. */
  readonly timeoutMs?: number;
  /** Attempts at most, 1 to 1000; default 3. */
  readonly attempts?: number;
  /** Not before this long from now. */
  readonly delayMs?: number;
  /** The same key gives the same task, however often it is submitted; 1 to 256 characters. */
  readonly idempotencyKey?: string;
  /** Tasks of one key prefer one agent; 1 to 256 characters. */
  readonly affinity?: string;
  /**
   * Ids of tasks that must have completed before, at most 64. A `{ $result: id }` anywhere in the input, with `at`, a JSON
   * pointer, for a part, is replaced by the result of that task.
   */
  readonly needs?: readonly string[];
  /** When a needed task ends without a result: end as `failed` (default), or as `cancelled`. */
  readonly onFailedNeed?: 'fail' | 'skip';
  /**
   * W3C traceparent of what submits it: the task belongs to that trace. Missing: the active span of this process, if
   * OpenTelemetry is set up in it and there is one.
   */
  readonly traceparent?: string;
} & (
  | {
      /** Plain values and typed arrays, as the kind takes them; checked here when the kind is built in. */
      readonly input: unknown;
    }
  | {
      /** An input that is already encoded with `encodeValue`; only the coordinator checks it. */
      readonly payload: Uint8Array;
    }
);

/** How a task ended, or stands. Durations in milliseconds; null where there is nothing yet. */
export interface TaskOutcome {
  readonly taskId: string;
  readonly kind: string;
  readonly state: TaskState;
  /** What the handler returned, arrays of numbers as typed arrays; null unless completed. */
  readonly result: unknown;
  readonly error: ErrorDetail | null;
  readonly agentId: string | null;
  readonly attempts: number;
  readonly queuedMs: number | null;
  readonly runMs: number | null;
}

export function outcomeOf(task: TaskSummary, result: unknown): TaskOutcome {
  const { taskId, kind, state, error, agentId, attempts, queuedMs, runMs } = task;
  return { taskId, kind, state, result, error, agentId, attempts, queuedMs, runMs };
}

/** The input of a task as bytes; @throws TaskInputError when it does not fit its kind or cannot be sent. */
export function encodeInput(request: TaskRequest): Uint8Array {
  if ('payload' in request) return request.payload;
  const kind = taskKinds.get(request.kind);
  const { needs, input } = request;
  // what is to be put in is not there yet: the coordinator checks it when it is
  const isWhole = needs === undefined || !namesResults(input, needs);
  try {
    return encodeValue(kind === undefined || !isWhole ? input : wireInput(kind, input));
  } catch (error) {
    if (error instanceof ValueError) throw new TaskInputError(error.path, error.problem);
    throw error;
  }
}

/** Results of other tasks are to be put in; @throws TaskInputError when one of these is not needed. */
function namesResults(input: unknown, needs: readonly string[]): boolean {
  const named = namedResults(input);
  const other = named.find(({ taskId }) => !needs.includes(taskId));
  if (other !== undefined)
    throw new TaskInputError(
      other.path,
      `names the result of '${other.taskId}', which is not among the needs`,
    );
  return named.length > 0;
}

/** The message that submits a task, without its number. */
export function submitBody(request: TaskRequest, watch: boolean): Omit<MessageOf<'SubmitTask'>, 'requestId'> {
  const { kind, priority, timeoutMs, attempts, delayMs, idempotencyKey, affinity } = request;
  const { needs, onFailedNeed, traceparent } = request;
  const body: { type: 'SubmitTask' } & Omit<MessageFields<'SubmitTask'>, 'requestId'> = {
    type: 'SubmitTask',
    kind,
    watch,
  };
  if (priority !== undefined) body.priority = priority;
  if (timeoutMs !== undefined) body.timeoutMs = timeoutMs;
  if (attempts !== undefined) body.attempts = attempts;
  if (delayMs !== undefined) body.delayMs = delayMs;
  if (idempotencyKey !== undefined) body.idempotencyKey = idempotencyKey;
  if (affinity !== undefined) body.affinity = affinity;
  if (needs !== undefined && needs.length > 0) body.needs = [...needs];
  if (onFailedNeed !== undefined) body.onFailedNeed = onFailedNeed;
  if (traceparent !== undefined) body.traceparent = plainTraceparent(traceparent);
  return body;
}

/** As it travels; @throws TaskInputError. */
function plainTraceparent(text: string): string {
  const read = readTraceparent(text);
  if (typeof read === 'string') throw new TaskInputError('traceparent', read);
  return writeTraceparent(read);
}

/** Which tasks to list; what is left out does not matter. */
export interface TaskQuery {
  readonly state?: TaskState;
  readonly kind?: string;
  /** 1 to 1000; default 100. */
  readonly limit?: number;
  /** Id of a task: only those submitted before it. */
  readonly before?: string;
}

/** A task as it stands. */
export interface TaskReport {
  readonly task: TaskSummary;
  /** What happened to it, oldest first. */
  readonly history: readonly TaskHistoryEntry[];
  readonly result: unknown;
}
