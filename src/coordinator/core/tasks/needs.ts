import {
  isFinishedState,
  type ErrorDetail,
  type FinishedState,
  type TaskState,
} from '../../../protocol/messages.js';
import { ProtocolError } from '../../../protocol/errors.js';
import type { StoredTask, TaskNeeds } from '../../../store/records.js';
import { storeUnavailable } from '../commits/store-health.js';
import type { CoreState } from '../state.js';
import { submitChecked } from './client-messages.js';
import { composeInput } from './needs-input.js';
import type { NeedsRead } from './needs-reads.js';
import { endUnmet } from './task-flow.js';
import { isFinished, remember, type Task } from './task.js';

/**
 * Blocked tasks: when all they need has completed, and that is stored, they are released; when one of those has ended
 * otherwise, they end too. Which it is, is decided from what memory knows, and from the store for tasks that memory has
 * forgotten. A release takes effect when it is stored: from then on nothing hangs on how long the store keeps results.
 */

/** Blocked tasks looked at in one turn: any number may wait for one task, and what is decided of them is one commit. */
const MAX_LOOKS = 512;

/** Looks at the blocked tasks about which there is something new. */
export function lookAtNeeds(core: CoreState, now: number): void {
  const { needs } = core;
  for (const task of needs.takeNews(MAX_LOOKS)) look(core, task, now);
  if (needs.hasNews) core.timers.set(needs.timer, now);
  else needs.rest();
}

function look(core: CoreState, task: Task, now: number): void {
  const entry = core.needs.entry(task);
  const { needs } = task.spec;
  if (entry === null || needs === undefined) return;
  if (entry.busy) {
    entry.again = true;
    return;
  }
  const forgotten: string[] = [];
  let waits = false;
  for (const taskId of needs.taskIds) {
    if (entry.met.has(taskId)) continue;
    const state = endOf(core, taskId);
    if (state === 'unknown') {
      forgotten.push(taskId);
      // it may be retried, and end once more, before the store has answered
      core.needs.awaitEnd(taskId, task);
    } else if (state === null) {
      core.needs.awaitEnd(taskId, task);
      waits = true;
    } else if (state === 'completed') entry.met.add(taskId);
    else {
      unmet(core, task, needs, taskId, state, now);
      return;
    }
  }
  if (forgotten.length > 0) ask(core, { why: 'ends', task, taskIds: forgotten });
  else if (!waits) allMet(core, task, needs, now);
}

/** How a needed task ended; null while it has not, or while that is not stored; unknown when the store alone knows. */
function endOf(core: CoreState, taskId: string): FinishedState | 'unknown' | null {
  const needed = core.tasks.get(taskId);
  if (needed === undefined) return core.needs.endOf(taskId) ?? 'unknown';
  return isFinished(needed.phase) && core.commits.isDurable(needed) ? needed.phase.state : null;
}

/** The store has answered, or could not (null): then it is asked again after a pause. */
export function needsRead(
  core: CoreState,
  readId: number,
  tasks: readonly (StoredTask | null)[] | null,
  now: number,
): void {
  const { needsReads } = core;
  const read = needsReads.underWay.get(readId);
  if (read === undefined) return;
  needsReads.underWay.delete(readId);
  if (read.why === 'submit') {
    needsFound(core, read, tasks, now);
    return;
  }
  if (tasks === null) {
    needsReads.again(read);
    core.timers.set(needsReads.retryTimer, now + core.options.storeRetryMs);
    return;
  }
  const entry = core.needs.entry(read.task);
  if (entry === null) return;
  const { again } = entry;
  entry.busy = entry.again = false;
  if (again) core.needs.look(read.task);
  else if (read.why === 'ends') endsRead(core, read, tasks, now);
  else resultsRead(core, read.task, tasks, now);
}

function ask(core: CoreState, read: NeedsRead & { readonly task: Task }): void {
  const entry = core.needs.entry(read.task);
  if (entry !== null) entry.busy = true;
  core.needsReads.add(read);
}

function allMet(core: CoreState, task: Task, needs: TaskNeeds, now: number): void {
  if (!needs.inserts) release(core, task, null, now);
  else ask(core, { why: 'results', task, taskIds: [task.spec.taskId, ...needs.taskIds] });
}

/** Writes that the task may go; it does when that is stored. */
function release(core: CoreState, task: Task, input: Uint8Array | null, now: number): void {
  const entry = core.needs.entry(task);
  const { phase, epoch } = task;
  if (entry === null || phase.state !== 'blocked') return;
  entry.busy = true;
  const { delayedUntil } = phase;
  const notBefore = delayedUntil !== null && delayedUntil > now ? delayedUntil : null;
  const { taskId } = task.spec;
  core.commits.add({ op: 'release', taskId, epoch, at: now, notBefore, input }, task, null);
}

function unmet(
  core: CoreState,
  task: Task,
  { onFailed }: TaskNeeds,
  neededId: string,
  state: TaskState | null,
  now: number,
): void {
  const message = `task '${neededId}', which it needs, ${state === null ? 'is no longer kept' : `is ${state}`}`;
  const error: ErrorDetail = { name: 'NEED_FAILED', message, retryable: false };
  endUnmet(core, task, onFailed === 'skip' ? 'cancelled' : 'failed', error, now);
}

function endsRead(
  core: CoreState,
  { task, taskIds }: NeedsRead & { readonly task: Task },
  tasks: readonly (StoredTask | null)[],
  now: number,
): void {
  const { needs } = task.spec;
  const entry = core.needs.entry(task);
  if (needs === undefined || entry === null) return;
  for (const [i, taskId] of taskIds.entries()) {
    const state = tasks[i]?.current.state ?? null;
    if (state === 'completed') entry.met.add(taskId);
    // one that was retried is in memory again, or about to be
    else if (core.tasks.get(taskId) === undefined && (state === null || isFinishedState(state))) {
      unmet(core, task, needs, taskId, state, now);
      return;
    }
  }
  core.needs.look(task);
}

function resultsRead(
  core: CoreState,
  task: Task,
  [own, ...needed]: readonly (StoredTask | null)[],
  now: number,
): void {
  const { needs } = task.spec;
  if (needs === undefined) return;
  const results = new Map<string, Uint8Array>();
  for (const [i, taskId] of needs.taskIds.entries()) {
    const current = needed[i]?.current;
    if (current?.state === 'completed') results.set(taskId, current.result);
    else {
      unmet(core, task, needs, taskId, current?.state ?? null, now);
      return;
    }
  }
  const composed = composeInput(core, task, own?.input ?? null, results);
  if ('error' in composed) {
    endUnmet(core, task, 'failed', composed.error, now);
    return;
  }
  remember(task, composed.admission);
  release(core, task, composed.input, now);
}

/** Whether the tasks that a submit needs exist. */
function needsFound(
  core: CoreState,
  { connectionId, message, input, taskIds }: NeedsRead & { readonly why: 'submit' },
  tasks: readonly (StoredTask | null)[] | null,
  now: number,
): void {
  core.needsReads.submitBytes -= input.byteLength;
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  connection.lookups--;
  const context = { messageType: message.type, requestId: message.requestId, field: '/needs' };
  if (tasks === null) {
    core.sendError(connectionId, storeUnavailable(core)(context));
    return;
  }
  const missing = taskIds.find((taskId, i) => tasks[i] === null && core.tasks.get(taskId) === undefined);
  if (missing === undefined) {
    submitChecked(core, connection, message, input, now);
    return;
  }
  const text = `needs: no task '${missing}' (or it ended long ago and is no longer kept)`;
  core.sendError(connectionId, new ProtocolError('UNKNOWN_TASK', text, context));
}
