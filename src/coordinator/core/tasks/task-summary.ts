import type { TaskHistoryEntry, TaskState, TaskSummary } from '../../../protocol/messages.js';
import type { ListedTask, StoredTask } from '../../../store/records.js';
import type { Task, TaskPhase } from './task.js';
import type { WaitReasons } from './waits-for.js';

/** A task as clients see it, from what memory and store know of it. */

type Summarized = Pick<Task, 'spec' | 'attempts' | 'agentId' | 'leasedAt'>;
type Standing = TaskPhase | ListedTask['current'];

/** As memory has it. */
export function summarize(task: Task): TaskSummary {
  return summary(task, task.phase);
}

/** As the store has it. */
export function summarizeStored(stored: StoredTask | ListedTask): TaskSummary {
  return summary(stored, stored.current);
}

/**
 * As the store has it, corrected by what only memory knows: that a leased task runs, and that a delay or a backoff is over.
 * Memory is ahead of the store by what is being committed; that is not told before it is stored.
 */
export function summarizeKnown(
  stored: StoredTask | ListedTask,
  task: Task | undefined,
  reasons: WaitReasons,
): TaskSummary {
  if (task === undefined) return summarizeStored(stored);
  const known = knowsMore(task, stored) ? summary(task, task.phase) : summarizeStored(stored);
  // memory alone knows why, and only of the state that it tells of
  return known.state === task.phase.state ? explained(known, task, reasons) : known;
}

/** As memory has it, with why it waits. */
export function summarizeWaiting(task: Task, reasons: WaitReasons): TaskSummary {
  return explained(summarize(task), task, reasons);
}

function explained(summary: TaskSummary, task: Task, reasons: WaitReasons): TaskSummary {
  const waitsFor = reasons.of(task);
  if (waitsFor !== null) summary.waitsFor = waitsFor;
  return summary;
}

/** The story the store tells, with the progress that only memory knows. */
export function historyOf(stored: StoredTask, task: Task | undefined): TaskHistoryEntry[] {
  const history = [...stored.history];
  if (task?.phase.state === 'running' && knowsMore(task, stored)) {
    history.push({ event: 'progress', at: task.phase.since });
  }
  return history;
}

function knowsMore(task: Task, { current, epoch }: StoredTask | ListedTask): boolean {
  if (task.epoch !== epoch) return false;
  if (task.phase.state === 'running') return current.state === 'leased';
  return task.phase.state === 'queued' && (current.state === 'delayed' || current.state === 'retrying');
}

function summary({ spec, attempts, agentId, leasedAt }: Summarized, standing: Standing): TaskSummary {
  const fields: TaskSummary = {
    taskId: spec.taskId,
    kind: spec.kind,
    state: standing.state,
    priority: spec.priority,
    agentId,
    attempts,
    submittedAt: spec.submittedAt,
    queuedMs: leasedAt === null ? null : Math.max(0, leasedAt - spec.submittedAt),
    runMs: 'runMs' in standing ? standing.runMs : null,
    error: 'error' in standing ? standing.error : null,
    progress: progressOf(standing),
    maxAttempts: spec.maxAttempts,
  };
  if (spec.traceparent !== undefined) fields.traceparent = spec.traceparent;
  if (spec.needs !== undefined) fields.needs = [...spec.needs.taskIds];
  if (standing.state === 'blocked') {
    if (standing.delayedUntil !== null) fields.notBefore = standing.delayedUntil;
  } else if ('notBefore' in standing) fields.notBefore = standing.notBefore;
  else if ('finishedAt' in standing) fields.finishedAt = standing.finishedAt;
  return fields;
}

function progressOf(standing: { readonly state: TaskState; readonly fraction?: number }): number | null {
  if (standing.state === 'running') return standing.fraction ?? null;
  return standing.state === 'completed' ? 1 : null;
}
