import type { ErrorDetail, TaskHistoryEntry, TaskState } from '../../../protocol/messages.js';
import { specWithNeedsMet, type LeaseRecord } from '../../../store/records.js';
import type { TaskJournal } from './task-journal.js';
import { QUEUED, retriedPhase, type Task, type TaskPhase, type TaskPhases } from './task.js';

/** What can happen to a task, each with what it brings. `at` is the coordinator's clock. */
export interface TaskEvents {
  /** A delay or a backoff is over, or what it needs is there. */
  readonly due: { readonly type: 'due'; readonly at: number };
  /** An agent gets it. */
  readonly lease: { readonly type: 'lease'; readonly at: number; readonly lease: LeaseRecord };
  readonly progress: { readonly type: 'progress'; readonly at: number; readonly fraction: number };
  readonly complete: {
    readonly type: 'complete';
    readonly at: number;
    readonly runMs: number;
    readonly result: Uint8Array;
  };
  /** The attempt ended with an error. `retryAt`: when the next one may start, if there is to be one. */
  readonly fail: {
    readonly type: 'fail';
    readonly at: number;
    readonly runMs: number | null;
    readonly error: ErrorDetail;
    readonly retryAt: number;
  };
  /** The lease's deadline passed. */
  readonly timeout: {
    readonly type: 'timeout';
    readonly at: number;
    readonly error: ErrorDetail;
    readonly retryAt: number;
  };
  /** The agent no longer works on it: its session ended, it gave the task back, or it forgot it. */
  readonly lost: { readonly type: 'lost'; readonly at: number; readonly error: ErrorDetail };
  readonly cancel: { readonly type: 'cancel'; readonly at: number };
  /** Somebody wants a task that ended without a result to be tried once more, with all its attempts. */
  readonly retry: { readonly type: 'retry'; readonly at: number };
}

export type TaskEventType = keyof TaskEvents;
export type TaskEvent = TaskEvents[TaskEventType];

/** An event came that the task's state has no transition for: a defect of the coordinator, never of a peer. */
export class UndefinedTransitionError extends Error {
  override readonly name = 'UndefinedTransitionError';
  constructor(
    readonly taskId: string,
    readonly from: TaskState,
    readonly event: TaskEventType,
    /** Its latest transitions, oldest first. */
    readonly history: readonly TaskHistoryEntry[],
  ) {
    const story = history.map((entry) => entry.event).join(' → ');
    super(`task ${taskId}: no transition from '${from}' on '${event}' (history: ${story})`);
  }
}

type Transition<S extends TaskState, E extends TaskEventType> = (
  task: Task,
  phase: TaskPhases[S],
  event: TaskEvents[E],
) => TaskPhase;
type TransitionRow<S extends TaskState> = { readonly [E in TaskEventType]?: Transition<S, E> };
type TransitionTable = { readonly [S in TaskState]: TransitionRow<S> };

type Held = TaskPhases['leased' | 'running'];

const toQueued = (): TaskPhase => QUEUED;
/** What it needs is there: now its delay counts. */
function toReleased(
  task: Task,
  { delayedUntil }: TaskPhases['blocked'],
  event: TaskEvents['due'],
): TaskPhase {
  task.spec = specWithNeedsMet(task.spec);
  if (delayedUntil === null || delayedUntil <= event.at) return QUEUED;
  return { state: 'delayed', notBefore: delayedUntil };
}

/** What it needs will not be there: no attempt was made, and none would help. */
const toUnmet = (_task: Task, _phase: TaskPhase, { at, error }: TaskEvents['fail']): TaskPhase => ({
  state: 'failed',
  lease: null,
  finishedAt: at,
  runMs: null,
  error,
});

const toCancelled = (_task: Task, _phase: TaskPhase, event: TaskEvents['cancel']): TaskPhase => ({
  state: 'cancelled',
  finishedAt: event.at,
});

function toLeased(task: Task, _phase: TaskPhase, { lease }: TaskEvents['lease']): TaskPhase {
  task.epoch = lease.epoch;
  task.recovered = false;
  task.attempts = lease.attempt;
  task.agentId = lease.agentId;
  task.leasedAt = lease.leasedAt;
  return { state: 'leased', lease };
}

const toRunning = (_task: Task, phase: Held, { fraction, at }: TaskEvents['progress']): TaskPhase => ({
  state: 'running',
  lease: phase.lease,
  fraction,
  since: phase.state === 'running' ? phase.since : at,
});

const toCompleted = (_task: Task, phase: Held, event: TaskEvents['complete']): TaskPhase => ({
  state: 'completed',
  lease: phase.lease,
  finishedAt: event.at,
  runMs: event.runMs,
  result: event.result,
});

/** Retryable with attempts left → retrying; retryable without → dead; else failed. */
function afterFailure(task: Task, phase: Held, event: TaskEvents['fail']): TaskPhase {
  const { error, runMs, at } = event;
  if (!error.retryable) return { state: 'failed', lease: phase.lease, finishedAt: at, runMs, error };
  if (hasAttemptsLeft(task)) return { state: 'retrying', notBefore: event.retryAt, error };
  return { state: 'dead', lease: phase.lease, finishedAt: at, runMs, error };
}

function afterTimeout(task: Task, phase: Held, { at, error, retryAt }: TaskEvents['timeout']): TaskPhase {
  if (hasAttemptsLeft(task)) return { state: 'retrying', notBefore: retryAt, error };
  return { state: 'dead', lease: phase.lease, finishedAt: at, runMs: null, error };
}

/** Losing an agent is not the task's fault: no backoff. It still used up an attempt, or a task that kills agents would go round for ever. */
function afterLoss(task: Task, phase: Held, { at, error }: TaskEvents['lost']): TaskPhase {
  if (hasAttemptsLeft(task)) return QUEUED;
  return { state: 'dead', lease: phase.lease, finishedAt: at, runMs: null, error };
}

/** The epoch stays, so that answers to its earlier leases are refused. */
function toRetried(task: Task): TaskPhase {
  task.attempts = 0;
  return retriedPhase(task);
}

const hasAttemptsLeft = (task: Task): boolean => task.attempts < task.spec.maxAttempts;

const held = {
  progress: toRunning,
  complete: toCompleted,
  fail: afterFailure,
  timeout: afterTimeout,
  lost: afterLoss,
  cancel: toCancelled,
};

const endedWithoutResult = { retry: toRetried };

/** All transitions there are. A finished task has none but to be retried when it has no result: it ends exactly once. */
export const TRANSITIONS: TransitionTable = {
  queued: { lease: toLeased, cancel: toCancelled },
  delayed: { due: toQueued, cancel: toCancelled },
  blocked: { due: toReleased, fail: toUnmet, cancel: toCancelled },
  leased: held,
  running: held,
  retrying: { due: toQueued, cancel: toCancelled },
  completed: {},
  failed: endedWithoutResult,
  dead: endedWithoutResult,
  cancelled: endedWithoutResult,
};

/**
 * Applies one event to a task: writes its next phase, and the journal.
 * Throws UndefinedTransitionError when its state has no transition for the event; the task is then unchanged.
 */
export function transition(task: Task, event: TaskEvent, journal: TaskJournal): void {
  const { taskId } = task.spec;
  const next = step(task, task.phase.state, task.phase, event.type, event);
  if (next === null) {
    throw new UndefinedTransitionError(taskId, task.phase.state, event.type, journal.storyOf(taskId));
  }
  // further progress is no news, and would push the story out
  if (event.type !== 'progress' || next.state !== task.phase.state) {
    journal.record(taskId, event.type, event.at);
  }
  task.phase = next;
}

function step<S extends TaskState, E extends TaskEventType>(
  task: Task,
  state: S,
  phase: TaskPhases[S],
  type: E,
  event: TaskEvents[E],
): TaskPhase | null {
  const row: TransitionRow<S> = TRANSITIONS[state];
  const handler: TransitionRow<S>[E] = row[type];
  return handler === undefined ? null : handler(task, phase, event);
}
