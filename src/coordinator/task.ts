import type { ErrorDetail, TaskState, TaskSummary } from '../protocol/messages.js';
import type { LeaseRecord, StoredTask, TaskSpec } from '../store/records.js';
import type { Link } from './linked-list.js';
import { TaskHistory } from './task-history.js';
import type { Due } from './due.js';
import type { Timer } from './timers.js';

/** Each state with what belongs to it. Times are milliseconds since the Unix epoch. */
export interface TaskPhases {
  /** Waits for an agent. */
  readonly queued: { readonly state: 'queued' };
  /** Was submitted with a delay that is not over. */
  readonly delayed: { readonly state: 'delayed'; readonly notBefore: number };
  /** An agent has it. */
  readonly leased: { readonly state: 'leased'; readonly lease: LeaseRecord };
  /** An agent has it and has reported progress. An agent that reports none goes from leased to the end. */
  readonly running: { readonly state: 'running'; readonly lease: LeaseRecord; readonly fraction: number };
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
export type FinishedPhase = TaskPhases['completed' | 'failed' | 'dead' | 'cancelled'];

/** A client that wants to hear of the task's end. */
export interface Watcher {
  readonly connectionId: string;
  readonly requestId: number;
}

/** A task in the coordinator's memory. `phase`, `epoch`, `attempts` and `history` change only through `transition`. */
export interface Task {
  readonly spec: TaskSpec;
  /** The submitted payload; null once the task is finished. */
  input: Uint8Array | null;
  phase: TaskPhase;
  /** Of the latest lease; 0 before the first. */
  epoch: number;
  /** Leases so far. */
  attempts: number;
  agentId: string | null;
  leasedAt: number | null;
  readonly history: TaskHistory;
  /** When it first became ready; retries keep it, so that waiting counts. */
  readyAt: number;
  /** Its place in the ready queue: there when, and only when, it is ready to be dispatched. */
  ready: Link<Task> | null;
  /** Its one deadline: end of a delay or backoff, or of the lease. */
  timer: Timer<Due> | null;
  /** The commit that makes its latest change durable. */
  commitId: number;
  watchers: Watcher[] | null;
}

export function createTask(spec: TaskSpec, input: Uint8Array, notBefore: number | null): Task {
  return {
    spec,
    input,
    phase: notBefore === null ? QUEUED : { state: 'delayed', notBefore },
    epoch: 0,
    attempts: 0,
    agentId: null,
    leasedAt: null,
    history: new TaskHistory('submit', spec.submittedAt),
    readyAt: spec.submittedAt,
    ready: null,
    timer: null,
    commitId: 0,
    watchers: null,
  };
}

export const QUEUED: TaskPhases['queued'] = { state: 'queued' };

/**
 * How far epochs jump when a task is recovered. A lease may reach an agent before its commit; after a crash the store
 * does not know of it, and its epoch must not be given out again.
 */
export const RECOVERY_EPOCH_JUMP = 2 ** 20;

/** Rebuilds an unfinished task from the store. A stored lease stays as it was, so that its agent may resume it. */
export function recoverTask(stored: StoredTask, now: number): Task {
  const { current } = stored;
  return {
    spec: stored.spec,
    input: stored.input,
    phase: recoverPhase(current),
    epoch: current.state === 'leased' ? stored.epoch : stored.epoch + RECOVERY_EPOCH_JUMP,
    attempts: stored.attempts,
    agentId: stored.agentId,
    leasedAt: stored.leasedAt,
    history: new TaskHistory('recover', now),
    readyAt: stored.spec.submittedAt,
    ready: null,
    timer: null,
    commitId: 0,
    watchers: null,
  };
}

function recoverPhase(current: StoredTask['current']): TaskPhase {
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

/** The lease an agent holds on it now, or null. */
export function activeLease(task: Task): LeaseRecord | null {
  return task.phase.state === 'leased' || task.phase.state === 'running' ? task.phase.lease : null;
}

export function isFinished(phase: TaskPhase): phase is FinishedPhase {
  return 'finishedAt' in phase;
}

/** The task as clients see it. */
export function summarize(task: Task): TaskSummary {
  const { spec, phase } = task;
  return {
    taskId: spec.taskId,
    kind: spec.kind,
    state: phase.state,
    priority: spec.priority,
    agentId: task.agentId,
    attempts: task.attempts,
    submittedAt: spec.submittedAt,
    queuedMs: task.leasedAt === null ? null : Math.max(0, task.leasedAt - spec.submittedAt),
    runMs: 'runMs' in phase ? phase.runMs : null,
    error: 'error' in phase ? phase.error : null,
    progress: progressOf(phase),
  };
}

function progressOf(phase: TaskPhase): number | null {
  if (phase.state === 'running') return phase.fraction;
  return phase.state === 'completed' ? 1 : null;
}
