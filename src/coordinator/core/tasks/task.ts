import type { ErrorDetail, FinishedState, TaskState } from '../../../protocol/messages.js';
import {
  specWithMore,
  type LeaseRecord,
  type RecoveredTask,
  type StoredState,
  type StoredTask,
  type TaskNeeds,
  type TaskSpec,
} from '../../../store/records.js';
import type { Context } from '../../../reasoning/experience.js';
import type { LinkedList, Listed } from '../../../collections/linked-list.js';
import type { Timed } from '../timers.js';

/** Each state with what belongs to it. Times are milliseconds since the Unix epoch. */
export interface TaskPhases {
  /** Waits for an agent. */
  readonly queued: { readonly state: 'queued' };
  /** Was submitted with a delay that is not over. */
  readonly delayed: { readonly state: 'delayed'; readonly notBefore: number };
  /** Waits for the tasks it needs, and then until `delayedUntil`. */
  readonly blocked: { readonly state: 'blocked'; readonly delayedUntil: number | null };
  /** An agent has it. */
  readonly leased: { readonly state: 'leased'; readonly lease: LeaseRecord };
  /** An agent has it and has reported progress, the first time at `since`. An agent that reports none goes from leased to the end. */
  readonly running: {
    readonly state: 'running';
    readonly lease: LeaseRecord;
    readonly fraction: number;
    readonly since: number;
  };
  /** An attempt failed; waits out the backoff. */
  readonly retrying: { readonly state: 'retrying'; readonly notBefore: number; readonly error: ErrorDetail };
  readonly completed: {
    readonly state: 'completed';
    readonly lease: LeaseRecord | null;
    readonly finishedAt: number;
    readonly runMs: number;
    readonly result: Uint8Array;
  };
  /** Ended with an error that another attempt would not mend. */
  readonly failed: FinishedWithError<'failed'>;
  /** The last attempt it had failed. */
  readonly dead: FinishedWithError<'dead'>;
  readonly cancelled: { readonly state: 'cancelled'; readonly finishedAt: number };
}

interface FinishedWithError<S extends TaskState> {
  readonly state: S;
  /** The lease that ended it. */
  readonly lease: LeaseRecord | null;
  readonly finishedAt: number;
  readonly runMs: number | null;
  readonly error: ErrorDetail;
}

export type TaskPhase = TaskPhases[TaskState];
export type FinishedPhase = TaskPhases[FinishedState];

/** A client that wants to hear of the task's end. */
export interface Watcher {
  readonly connectionId: string;
  readonly requestId: number;
}

/**
 * A task in the coordinator's memory, of which there may be millions: it is its own timer and its own list link, and its
 * input and its story may be in the store alone. `phase`, `epoch` and `attempts` change only through `transition`.
 */
export class Task implements Timed, Listed<Task> {
  /** Of the latest lease; 0 before the first. */
  epoch = 0;
  /** Leases so far. */
  attempts = 0;
  agentId: string | null = null;
  leasedAt: number | null = null;
  /** The commit that makes its latest change durable. */
  commitId = 0;
  /** The store has it: its submit is durable. */
  stored = false;
  watchers: Watcher[] | null = null;
  /** Circumstances to learn by, from its input; null when there are none, or it comes from the store. */
  context: Context | null = null;
  /** The shape to remember when its result comes; null when there is none, or it comes from the store. */
  pattern: { readonly vector: Float32Array; readonly points: number } | null = null;
  /** Its one deadline: end of a delay or backoff, or of the lease. In the heap when, and only when, its state has one. */
  at = 0;
  index = -1;
  /** The ready lane it waits in, the leases of its agent's session, or the list of finished tasks. */
  list: LinkedList<Task> | null = null;
  previous: Task | null = null;
  next: Task | null = null;

  constructor(
    /** Replaced when its needs are met. */
    public spec: TaskSpec,
    /** The submitted payload; null when it is in the store alone. Only the task book writes to it. */
    public input: Uint8Array | null,
    /** Only the task book writes to it. */
    public inputBytes: number,
    public phase: TaskPhase,
    /** It comes from the store and was not leased since: a larger epoch than the store knows may have been given out. */
    public recovered: boolean,
    /** When it first became ready; retries keep it, so that waiting counts. */
    public readyAt: number,
  ) {}
}

/** What of its input is worth remembering, once that is admitted. */
export function remember(task: Task, { context, pattern }: Partial<Pick<Task, 'context' | 'pattern'>>): void {
  task.context = context ?? null;
  task.pattern = pattern ?? null;
}

export const QUEUED: TaskPhases['queued'] = { state: 'queued' };

export function createTask(spec: TaskSpec, input: Uint8Array, notBefore: number | null): Task {
  const phase = waitingPhase(spec.needs, notBefore);
  return new Task(spec, input, input.byteLength, phase, false, spec.submittedAt);
}

function waitingPhase(needs: TaskNeeds | undefined, notBefore: number | null): TaskPhase {
  if (needs !== undefined) return { state: 'blocked', delayedUntil: notBefore };
  return notBefore === null ? QUEUED : { state: 'delayed', notBefore };
}

/** Where it waits when it is tried once more: one that never had what it needs waits for that again. */
export function retriedPhase({ spec: { needs } }: Task): TaskPhase {
  return waitingPhase(needs?.met === true ? undefined : needs, null);
}

/**
 * Rebuilds an unfinished task from the store. A stored lease stays as it was, so that its agent may resume it.
 * `kind`: the text that all tasks of the kind share.
 */
export function recoverTask(record: RecoveredTask, kind: string): Task {
  const {
    taskId,
    priority,
    timeoutMs,
    maxAttempts,
    idempotencyKey,
    keyHeldUntil,
    affinity,
    submittedAt,
    needs,
    traceparent,
  } = record.spec;
  // fields in the order in which a submit makes them, so that all specs have one shape
  const plain: TaskSpec = {
    taskId,
    kind,
    priority,
    timeoutMs,
    maxAttempts,
    idempotencyKey,
    keyHeldUntil,
    affinity,
    submittedAt,
  };
  const spec = specWithMore(plain, needs, traceparent);
  return restore(record, spec, null, record.inputBytes, recoverPhase(record.current));
}

/** Rebuilds any task from the store, with the input it brings. */
export function restoreTask(stored: StoredTask): Task {
  return restore(
    stored,
    stored.spec,
    stored.input,
    stored.input?.byteLength ?? 0,
    recoverPhase(stored.current),
  );
}

function restore(
  { epoch, attempts, agentId, leasedAt }: Pick<StoredTask, 'epoch' | 'attempts' | 'agentId' | 'leasedAt'>,
  spec: TaskSpec,
  input: Uint8Array | null,
  inputBytes: number,
  phase: TaskPhase,
): Task {
  const task = new Task(spec, input, inputBytes, phase, true, spec.submittedAt);
  task.epoch = epoch;
  task.attempts = attempts;
  task.agentId = agentId;
  task.leasedAt = leasedAt;
  task.stored = true;
  return task;
}

function recoverPhase(current: StoredState): TaskPhase {
  switch (current.state) {
    case 'queued':
      return QUEUED;
    case 'completed':
    case 'failed':
    case 'dead':
      return { ...current, lease: null };
    default:
      return current;
  }
}

/** Its input is at hand, or it has none to speak of. */
export function hasInput(task: Task): boolean {
  return task.input !== null || task.inputBytes === 0;
}

/** The lease an agent holds on it now, or null. */
export function activeLease(task: Task): LeaseRecord | null {
  return task.phase.state === 'leased' || task.phase.state === 'running' ? task.phase.lease : null;
}

export function isFinished(phase: TaskPhase): phase is FinishedPhase {
  return 'finishedAt' in phase;
}
