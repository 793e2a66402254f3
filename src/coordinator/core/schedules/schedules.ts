import type { EntryRecord, TaskSpec } from '../../../store/records.js';
import { logBounded } from '../bounded-log.js';
import type { Due } from '../due.js';
import type { CoreState } from '../state.js';
import { queueRefusal } from '../tasks/client-changes.js';
import { createTask, remember, type Task } from '../tasks/task.js';
import { Timer } from '../timers.js';
import { CronTimes } from './cron-times.js';
import { decodeSchedule, encodeSchedule, type ScheduleRecord } from './schedule-record.js';

/**
 * Recurring tasks. Each occurrence is submitted once: its idempotency key is made of the name and the time, and that it
 * was submitted is written in the commit that stores the task. Of occurrences that were missed, because the coordinator
 * was not running or could not take tasks, the latest alone is made up for.
 */

/** Before an occurrence that could not be submitted is tried again. */
const RETRY_MS = 1_000;
/** Of those from the store, in one turn: to read an expression and find its next time takes up to a millisecond. */
const MAX_PLANNED_AT_ONCE = 32;

export class Schedule {
  readonly timer: Timer<Due> = new Timer<Due>({ kind: 'schedule', schedule: this });
  /** Null when there is none, or it is not known yet. */
  nextAt: number | null = null;
  #times: CronTimes | null;

  /** `times`: those of the record, if it has been read; one from the store is read when it is planned. */
  constructor(
    public record: ScheduleRecord,
    times: CronTimes | null,
  ) {
    this.#times = times;
  }

  /** @throws CronProblem when the record from the store holds no such times. */
  get times(): CronTimes {
    return (this.#times ??= new CronTimes(this.record.cron, this.record.timeZone));
  }
}

export class Schedules {
  readonly byName = new Map<string, Schedule>();
  /** From the store, and to be planned yet. */
  readonly recovered: Schedule[] = [];
  /** Runs while there are such. */
  readonly timer = new Timer<Due>({ kind: 'schedules' });
  /** Of the inputs of all of them. */
  get inputBytes(): number {
    let bytes = 0;
    for (const { record } of this.byName.values()) bytes += record.input.byteLength;
    return bytes;
  }

  /** All and only the tasks of occurrences whose submit is not stored yet. */
  readonly submitting = new Map<Task, { readonly schedule: Schedule; readonly record: ScheduleRecord }>();
}

/** Takes up what the store has. */
export function recoverSchedules(core: CoreState, entries: readonly EntryRecord[], now: number): void {
  const { schedules } = core;
  for (const { key, value } of entries) {
    const record = decodeSchedule(value);
    if (record === null) {
      notTakenUp(core, key, 'its record cannot be read');
      continue;
    }
    const schedule = new Schedule(record, null);
    schedules.byName.set(key, schedule);
    schedules.recovered.push(schedule);
  }
  planRecovered(core, now);
}

/** Finds the next times of some that the store had; of the others in turns to come. */
export function planRecovered(core: CoreState, now: number): void {
  const { recovered, byName, timer } = core.schedules;
  for (const schedule of recovered.splice(0, MAX_PLANNED_AT_ONCE)) {
    const { name } = schedule.record;
    // removed meanwhile
    if (byName.get(name) !== schedule) continue;
    try {
      plan(core, schedule);
    } catch (error) {
      byName.delete(name);
      notTakenUp(core, name, error instanceof Error ? error.message : String(error));
    }
  }
  // later than all that is due now
  if (recovered.length > 0) core.timers.set(timer, now + 1);
}

function notTakenUp(core: CoreState, schedule: string, reason: string): void {
  core.log('warn', 'a recurring task is not taken up', { schedule, reason });
}

/** Sets out for the occurrence after the last one. */
export function plan(core: CoreState, schedule: Schedule): void {
  const { lastAt, createdAt } = schedule.record;
  schedule.nextAt = schedule.times.next(lastAt ?? createdAt);
  if (schedule.nextAt === null) core.timers.cancel(schedule.timer);
  else core.timers.set(schedule.timer, schedule.nextAt);
}

/** Submits the latest occurrence that is due. */
export function scheduleIsDue(core: CoreState, schedule: Schedule, now: number): void {
  const { record, nextAt } = schedule;
  if (nextAt === null || core.schedules.byName.get(record.name) !== schedule) return;
  const refusal = queueRefusal(core, record.input.byteLength, 'AddRecurring', undefined);
  if (refusal !== null) {
    core.timers.set(schedule.timer, now + RETRY_MS);
    const fields = { schedule: record.name, reason: refusal.message };
    logBounded(core, 'SCHEDULE_WAITS', { level: 'warn', msg: 'a recurring task waits', fields }, now);
    return;
  }
  const at = Math.max(nextAt, schedule.times.latest(now) ?? nextAt);
  const task = createTask(specOf(core, record, at, now), record.input, null);
  const { taskId } = task.spec;
  const next: ScheduleRecord = { ...record, lastAt: at, lastTaskId: taskId };
  core.schedules.submitting.set(task, { schedule, record: next });
  const admission = core.ports.admit(record.kind, record.input);
  if (admission.ok) remember(task, admission);
  core.tasks.submit(task, now);
  core.counters.submitted++;
  core.commits.add({ op: 'submit', spec: task.spec, input: record.input, notBefore: null }, task, null);
  // with the task, so that it goes under with its submit
  core.commits.add({ op: 'put-entry', entry: entryOf(next) }, task, null);
}

/** The store has the task of an occurrence, or an older one with its key. */
export function occurrenceStored(core: CoreState, task: Task): void {
  const submitted = core.schedules.submitting.get(task);
  if (submitted === undefined) return;
  core.schedules.submitting.delete(task);
  const { schedule, record } = submitted;
  schedule.record = record;
  if (core.schedules.byName.get(record.name) === schedule) plan(core, schedule);
}

/** The submit of an occurrence was not stored. */
export function occurrenceLost(core: CoreState, task: Task, now: number): void {
  const submitted = core.schedules.submitting.get(task);
  if (submitted === undefined) return;
  core.schedules.submitting.delete(task);
  const { schedule, record } = submitted;
  if (core.schedules.byName.get(record.name) !== schedule) return;
  core.timers.set(schedule.timer, now + core.options.storeRetryMs);
}

export function entryOf(record: ScheduleRecord): EntryRecord {
  return { collection: 'schedule', key: record.name, value: encodeSchedule(record) };
}

function specOf(core: CoreState, record: ScheduleRecord, at: number, now: number): TaskSpec {
  return {
    taskId: core.ports.random.taskId(now),
    kind: core.oneNameOf(record.kind),
    priority: record.priority,
    timeoutMs: record.timeoutMs ?? core.options.taskTimeoutMs,
    maxAttempts: record.attempts,
    idempotencyKey: `schedule:${record.name}:${new Date(at).toISOString()}`,
    keyHeldUntil: now + core.options.idempotencyWindowMs,
    affinity: record.affinity,
    submittedAt: now,
  };
}
