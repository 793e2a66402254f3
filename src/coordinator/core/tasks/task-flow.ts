import { cutText } from '../../../protocol/errors.js';
import { MAX_ERROR_MESSAGE } from '../../../protocol/limits.js';
import type { ErrorDetail, Lease, MessageOf } from '../../../protocol/messages.js';
import { NEURAL_TRAINING } from '../../../tasks/neural-training/kind.js';
import { specWithNeedsMet, type LeaseRecord } from '../../../store/records.js';
import type { StoreOp } from '../../../store/store.js';
import type { Reply } from '../commits/commit-log.js';
import type { Due } from '../due.js';
import { learnFromFailure } from '../reasoning/results.js';
import { inputServed, trimInput } from './input-reads.js';
import { connectionOf, leaseKey, type Session } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { activeLease, type Task } from './task.js';
import type { TaskEvent, TaskEvents } from './task-machine.js';
import { Timer } from '../timers.js';

/**
 * What follows from a task's transitions: its place in the queue, its deadline, its agent's credit, the store.
 * Every change of a task goes through here.
 */

/** Lets a task whose submit or recovery is settled wait for its time or for an agent. */
export function activate(core: CoreState, task: Task): void {
  const { phase } = task;
  if (phase.state === 'queued') core.ready.add(task, false);
  else if (phase.state === 'blocked') core.needs.look(task);
  else if (phase.state === 'delayed' || phase.state === 'retrying') core.deadlines.set(task, phase.notBefore);
}

/** Gives a task that has left the ready queue to an agent with credit; the caller sends it. */
export function leaseTask(core: CoreState, task: Task, session: Session, now: number): LeaseRecord {
  const lease = beginLease(core, task, session.agentId, now);
  core.counters.leased++;
  session.leases.pushBack(task);
  core.scheduler.occupy(session.slot);
  core.limits.start(task.spec.kind, now);
  core.deadlines.set(task, lease.deadlineAt);
  return lease;
}

/** Takes up a lease found in the store. */
export function resumeLease(core: CoreState, task: Task, session: Session, lease: LeaseRecord): void {
  session.leases.pushBack(task);
  core.scheduler.occupy(session.slot);
  core.limits.hold(task.spec.kind);
  core.deadlines.set(task, lease.deadlineAt);
}

/** Ends a ready task whose input the store does not have: a lease of the coordinator's own that fails at once. */
export function failUnreadable(core: CoreState, task: Task, now: number): void {
  const { taskId } = task.spec;
  const message = `the store has no input of task '${taskId}' any more: submit it again`;
  const error: ErrorDetail = { name: 'INPUT_LOST', message, retryable: false };
  leaveQueue(core, task);
  beginLease(core, task, 'coordinator', now);
  apply(core, task, { type: 'fail', at: now, runMs: null, error, retryAt: now });
  settleAttempt(core, task, 'fail', error, null, now);
  core.log('error', 'the store has lost the input of a task', { taskId });
}

/** Gives a ready task that has left the queue to the coordinator itself, under the name `holder`. */
export function leaseToSelf(core: CoreState, task: Task, holder: string, now: number): LeaseRecord {
  const lease = beginLease(core, task, holder, now);
  core.counters.leased++;
  core.limits.start(task.spec.kind, now);
  core.deadlines.set(task, lease.deadlineAt);
  trimInput(core, task);
  return lease;
}

/** Completes a task whose lease the coordinator holds; its limit of a kind is the caller's affair. */
export function completeOwn(
  core: CoreState,
  task: Task,
  { runMs, result }: { readonly runMs: number; readonly result: Uint8Array },
  now: number,
): void {
  const { taskId } = task.spec;
  apply(core, task, { type: 'complete', at: now, runMs, result });
  core.commits.add({ op: 'complete', taskId, epoch: task.epoch, finishedAt: now, runMs, result }, task, null);
}

/** Ends an attempt whose lease the coordinator holds. */
export function failOwn(
  core: CoreState,
  task: Task,
  { runMs, error }: { readonly runMs: number; readonly error: ErrorDetail },
  now: number,
): void {
  const cut = { ...error, message: cutText(error.message, MAX_ERROR_MESSAGE) };
  apply(core, task, { type: 'fail', at: now, runMs, error: cut, retryAt: now + backoffMs(core, task) });
  core.deadlines.cancel(task);
  settleAttempt(core, task, 'fail', cut, null, now);
}

function beginLease(core: CoreState, task: Task, agentId: string, now: number): LeaseRecord {
  const { taskId, timeoutMs } = task.spec;
  const lease: LeaseRecord = {
    taskId,
    attempt: task.attempts + 1,
    epoch: task.recovered ? Math.max(task.epoch + 1, core.firstEpoch) : task.epoch + 1,
    agentId,
    coordinatorId: core.options.coordinatorId,
    leasedAt: now,
    deadlineAt: now + timeoutMs,
  };
  core.tasks.apply(task, { type: 'lease', at: now, lease });
  core.commits.add({ op: 'lease', lease }, task, null);
  return lease;
}

export function completeTask(
  core: CoreState,
  task: Task,
  session: Session,
  event: TaskEvents['complete'],
  reply: Reply,
): void {
  const { at: finishedAt, runMs, result } = event;
  const { taskId, kind } = task.spec;
  takeLease(core, task, session);
  apply(core, task, event);
  session.completed++;
  if (task.leasedAt !== null) core.hold.completed(kind, finishedAt - task.leasedAt);
  core.commits.add({ op: 'complete', taskId, epoch: task.epoch, finishedAt, runMs, result }, task, reply);
}

/** The agent reports that the attempt failed. */
export function failAttempt(
  core: CoreState,
  task: Task,
  session: Session,
  outcome: { readonly runMs: number; readonly error: ErrorDetail },
  reply: Reply,
  now: number,
): void {
  const { runMs, error } = outcome;
  takeLease(core, task, session);
  apply(core, task, { type: 'fail', at: now, runMs, error, retryAt: now + backoffMs(core, task) });
  session.failed++;
  settleAttempt(core, task, 'fail', error, reply, now);
}

/** The lease's deadline has passed: the agent is told to stop, and the attempt counts as failed. */
export function timeoutAttempt(core: CoreState, task: Task, lease: LeaseRecord, now: number): void {
  const ranMs = lease.deadlineAt - lease.leasedAt;
  const error = attemptError('TIMEOUT', `agent '${lease.agentId}' did not finish within ${ranMs} ms`);
  const session = holderOf(core, task, lease);
  if (session !== undefined) takeLease(core, task, session);
  apply(core, task, { type: 'timeout', at: now, error, retryAt: now + backoffMs(core, task) });
  if (session !== undefined) {
    stopOnAgent(core, session, lease, task.spec.kind, 'timeout', now);
    session.failed++;
  }
  core.counters.timedOut++;
  settleAttempt(core, task, 'timeout', error, null, now);
  learnFromFailure(core, task, lease, session, error.name, now);
}

/** The agent no longer works on the task: it goes back to the queue, before those of its priority that wait there. */
export function loseLease(
  core: CoreState,
  task: Task,
  session: Session | null,
  why: string,
  reply: Reply | null,
  now: number,
): void {
  const error = attemptError('AGENT_LOST', why);
  if (session !== null) takeLease(core, task, session);
  apply(core, task, { type: 'lost', at: now, error });
  core.counters.requeued++;
  settleAttempt(core, task, 'lost', error, reply, now);
}

/** Ends an unfinished task because its client no longer wants it. */
export function cancelTask(core: CoreState, task: Task, reply: Reply | null, now: number): void {
  const lease = activeLease(task);
  const session = lease === null ? undefined : holderOf(core, task, lease);
  leaveQueue(core, task);
  if (session !== undefined) takeLease(core, task, session);
  apply(core, task, { type: 'cancel', at: now });
  if (lease !== null && session !== undefined) {
    stopOnAgent(core, session, lease, task.spec.kind, 'cancelled', now);
  }
  const { taskId, kind } = task.spec;
  // of one that runs it is dropped when its work has been stopped
  if (kind === NEURAL_TRAINING && lease === null) {
    core.commits.add({ op: 'drop-entry', collection: 'checkpoint', key: taskId }, null, null);
  }
  core.commits.add({ op: 'cancel', taskId, epoch: task.epoch, finishedAt: now }, task, reply);
}

/** Forgets a task whose submit the store did not take. */
export function withdrawTask(core: CoreState, task: Task, now: number): void {
  const lease = activeLease(task);
  const session = lease === null ? undefined : holderOf(core, task, lease);
  leaveQueue(core, task);
  core.deadlines.cancel(task);
  if (lease !== null && session !== undefined) {
    takeLease(core, task, session);
    stopOnAgent(core, session, lease, task.spec.kind, 'cancelled', now);
  }
  core.tasks.withdraw(task);
  core.tasks.observer?.('task-withdrawn', task, now, null, null);
}

/** A task that ended without a result waits once more: the store has it as queued again. */
export function reviveTask(core: CoreState, task: Task, now: number): void {
  core.tasks.revive(task, now);
  core.counters.revived++;
  trimInput(core, task);
  activate(core, task);
}

/** Takes a task out of where it waits, but for its deadline. */
export function leaveQueue(core: CoreState, task: Task): void {
  core.ready.remove(task);
  if (task.phase.state === 'blocked') core.needs.forget(task);
  if (core.overdue.size > 0) core.overdue.delete(task);
  inputServed(core, task);
}

/** The store has it that what a blocked task needs is there. `input`: with the results put in, if it names any. */
export function releaseTask(
  core: CoreState,
  task: Task,
  { input, notBefore }: Pick<Extract<StoreOp, { op: 'release' }>, 'input' | 'notBefore'>,
  now: number,
): void {
  if (input !== null) core.tasks.replaceInput(task, input);
  if (task.phase.state !== 'blocked') {
    // cancelled meanwhile; it may be retried
    task.spec = specWithNeedsMet(task.spec);
    return;
  }
  core.needs.forget(task);
  apply(core, task, { type: 'due', at: now });
  task.readyAt = now;
  activate(core, task);
  // its delay has ended since
  if (notBefore !== null && core.ready.has(task)) core.overdue.add(task);
  trimInput(core, task);
}

/** Ends a blocked task that will never have what it needs. `as`: with the error, or as if nobody wanted it any more. */
export function endUnmet(
  core: CoreState,
  task: Task,
  as: 'failed' | 'cancelled',
  error: ErrorDetail,
  now: number,
): void {
  core.needs.forget(task);
  if (as === 'cancelled') apply(core, task, { type: 'cancel', at: now });
  else apply(core, task, { type: 'fail', at: now, runMs: null, error, retryAt: now });
  const { taskId } = task.spec;
  const { epoch } = task;
  core.commits.add({ op: 'unmet', taskId, epoch, state: as, finishedAt: now, error }, task, null);
}

/** A task's deadline has come: the end of its delay, its backoff or its lease. */
export function taskIsDue(core: CoreState, task: Task, now: number): void {
  const lease = activeLease(task);
  if (lease !== null) {
    timeoutAttempt(core, task, lease, now);
    return;
  }
  const returning = task.phase.state === 'retrying';
  apply(core, task, { type: 'due', at: now });
  if (!returning) task.readyAt = now;
  core.overdue.add(task);
  core.ready.add(task, returning);
}

/** An agent that was told to stop has answered, or had its time: its credit is free. False when it was not stopping. */
export function stopAnswered(core: CoreState, session: Session, key: string): boolean {
  const timer = session.stopping.get(key);
  if (timer === undefined) return false;
  session.stopping.delete(key);
  core.timers.cancel(timer);
  core.scheduler.release(session.slot);
  if (timer.due.kind === 'stopping') core.limits.end(timer.due.taskKind);
  return true;
}

/** The reply an agent waits for when a result is stored. */
export function processed(
  session: Session,
  id: string,
  epoch: number,
): Extract<Reply, { kind: 'processed' }> {
  return { kind: 'processed', connectionId: connectionOf(session) ?? '', id, epoch };
}

/** Backoff after the attempt that has just failed: exponential, its upper half jittered, so that retries spread. */
function backoffMs(core: CoreState, task: Task): number {
  const { baseMs, maxMs } = core.options.retry;
  const delay = Math.min(maxMs, baseMs * 2 ** (task.attempts - 1));
  return delay * (0.5 + core.ports.random.fraction() / 2);
}

function attemptError(name: string, message: string): ErrorDetail {
  return { name, message, retryable: true };
}

function apply(core: CoreState, task: Task, event: TaskEvent): void {
  if (!core.tasks.apply(task, event)) return;
  core.deadlines.cancel(task);
  armRetention(core);
}

export function armRetention(core: CoreState): void {
  if (core.retentionTimer.index !== -1) return;
  const at = core.tasks.nextForgetAt();
  if (at !== null) core.timers.set(core.retentionTimer, at);
}

/** Writes where a failed or lost attempt has led, and lets the task wait again if it is not over. */
function settleAttempt(
  core: CoreState,
  task: Task,
  why: 'fail' | 'timeout' | 'lost',
  error: ErrorDetail,
  reply: Reply | null,
  now: number,
): void {
  const { phase, epoch } = task;
  const { taskId } = task.spec;
  if (phase.state === 'queued' || phase.state === 'retrying') {
    const notBefore = phase.state === 'retrying' ? phase.notBefore : null;
    const op = { op: 'requeue', taskId, epoch, at: now, why, notBefore, error } as const;
    core.commits.add(op, task, reply);
    if (notBefore !== null) core.counters.retried++;
    if (notBefore === null) core.ready.add(task, true);
    else core.deadlines.set(task, notBefore);
    trimInput(core, task);
  } else if (phase.state === 'failed' || phase.state === 'dead') {
    const { state, finishedAt, runMs } = phase;
    core.commits.add({ op: 'fail', taskId, epoch, state, finishedAt, runMs, error }, task, reply);
  }
}

/** Ends the lease on the agent's side of the books: credit is free from now on. Before the task goes to another list. */
function takeLease(core: CoreState, task: Task, session: Session): void {
  core.deadlines.cancel(task);
  session.leases.remove(task);
  core.scheduler.release(session.slot);
  core.limits.end(task.spec.kind);
}

/** The session that holds a lease; an agent may have the name that the coordinator gives itself. */
function holderOf(core: CoreState, task: Task, { agentId }: LeaseRecord): Session | undefined {
  const session = core.registry.get(agentId);
  return session?.leases === task.list ? session : undefined;
}

/** The task of this id if the session has a lease on it. */
export function leasedTask(core: CoreState, session: Session, taskId: string): Task | undefined {
  const task = core.tasks.get(taskId);
  return task?.list === session.leases ? task : undefined;
}

/** Tells the agent to stop; its credit stays taken until it has answered, or `stopGraceMs` have passed. */
export function stopOnAgent(
  core: CoreState,
  session: Session,
  lease: Lease,
  taskKind: string,
  reason: MessageOf<'CancelTask'>['reason'],
  now: number,
): void {
  const connectionId = connectionOf(session);
  if (connectionId === null) return;
  const { taskId, attempt, epoch } = lease;
  if (session.phase.state === 'joining') {
    // nothing is said to an agent before its AgentAck, which will name the lease
    session.phase.abortedTasks.push({ taskId, attempt, epoch });
    return;
  }
  core.send(connectionId, { type: 'CancelTask', taskId, epoch, reason });
  const key = leaseKey(lease);
  const timer = new Timer<Due>({ kind: 'stopping', session, leaseKey: key, taskKind });
  session.stopping.set(key, timer);
  core.scheduler.occupy(session.slot);
  core.limits.hold(taskKind);
  core.timers.set(timer, now + core.options.stopGraceMs);
}
