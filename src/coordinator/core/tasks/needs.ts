import {
  isFinishedState,
  type ErrorDetail,
  type FinishedState,
  type TaskState,
} from '../../../protocol/messages.js';
import { ProtocolError } from '../../../protocol/errors.js';
import type { TaskNeeds } from '../../../store/records.js';
import type { CoreEvent } from '../contract.js';
import { storeUnavailable } from '../commits/store-health.js';
import type { CoreState } from '../state.js';
import { submitChecked } from './client-messages.js';
import { composeInput } from './needs-input.js';
import type { NeedsRead } from './needs-reads.js';
import { sendReceived, watchEnd } from './settlement.js';
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

/** What the store has answered. */
type Found<Type extends 'statesRead' | 'resultsRead'> = NonNullable<
  Extract<CoreEvent, { readonly type: Type }>['found']
>;

/** The store has said how needed tasks stand, or could not (null). */
export function statesRead(
  core: CoreState,
  readId: number,
  found: Found<'statesRead'> | null,
  now: number,
): void {
  const read = core.needsReads.end(readId);
  if (read?.why === 'submit') needsFound(core, read, found, now);
  else if (read?.why !== 'ends') return;
  else if (found === null) askAgain(core, read, now);
  else if (answered(core, read.task)) endsRead(core, read, found.states, now);
}

/** The store has given what makes the input of a task, or could not (null). */
export function resultsRead(
  core: CoreState,
  readId: number,
  found: Found<'resultsRead'> | null,
  now: number,
): void {
  const read = core.needsReads.end(readId);
  if (read?.why !== 'results') return;
  if (found === null) askAgain(core, read, now);
  else if (answered(core, read.task)) putIn(core, read, found.input, found.results, now);
}

/** The store could not be read: it is asked once more after a pause. */
function askAgain(core: CoreState, read: NeedsRead, now: number): void {
  const { needsReads } = core;
  needsReads.again(read);
  core.timers.set(needsReads.retryTimer, now + core.options.storeRetryMs);
}

/** Whether an answer about a blocked task is still of use. If there was news meanwhile, the task is looked at anew instead. */
function answered(core: CoreState, task: Task): boolean {
  const entry = core.needs.entry(task);
  if (entry === null) return false;
  const { again } = entry;
  entry.busy = entry.again = false;
  if (again) core.needs.look(task);
  return !again;
}

function ask(core: CoreState, read: NeedsRead & { readonly task: Task }): void {
  const entry = core.needs.entry(read.task);
  if (entry !== null) entry.busy = true;
  core.needsReads.add(read);
}

function allMet(core: CoreState, task: Task, needs: TaskNeeds, now: number): void {
  if (needs.inserts.length === 0) release(core, task, null, now);
  else ask(core, { why: 'results', task, taskIds: needs.inserts });
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
  { task, taskIds }: NeedsRead & { readonly why: 'ends' },
  states: readonly (TaskState | null)[],
  now: number,
): void {
  const { needs } = task.spec;
  const entry = core.needs.entry(task);
  if (needs === undefined || entry === null) return;
  for (const [i, taskId] of taskIds.entries()) {
    const state = states[i] ?? null;
    if (state === 'completed') entry.met.add(taskId);
    // one that was retried is in memory again, or about to be
    else if (core.tasks.get(taskId) === undefined && (state === null || isFinishedState(state))) {
      unmet(core, task, needs, taskId, state, now);
      return;
    }
  }
  core.needs.look(task);
}

function putIn(
  core: CoreState,
  { task, taskIds }: NeedsRead & { readonly why: 'results' },
  input: Uint8Array | null,
  found: readonly (Uint8Array | null)[],
  now: number,
): void {
  const { needs } = task.spec;
  if (needs === undefined) return;
  const results = new Map<string, Uint8Array>();
  for (const [i, taskId] of taskIds.entries()) {
    const result = found[i] ?? null;
    if (result !== null) results.set(taskId, result);
    else {
      unmet(core, task, needs, taskId, null, now);
      return;
    }
  }
  const composed = composeInput(core, task, input, results);
  if ('error' in composed) {
    endUnmet(core, task, 'failed', composed.error, now);
    return;
  }
  remember(task, composed.admission);
  release(core, task, composed.input, now);
}

/** Whether the tasks that a submit needs exist. They need not for one that was taken before: its key is known. */
function needsFound(
  core: CoreState,
  { connectionId, message, input, taskIds }: NeedsRead & { readonly why: 'submit' },
  found: Found<'statesRead'> | null,
  now: number,
): void {
  core.needsReads.submitBytes -= input.byteLength;
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  connection.lookups--;
  const { type: messageType, requestId, idempotencyKey } = message;
  const context = { messageType, requestId, field: '/needs' };
  if (found === null) {
    core.sendError(connectionId, storeUnavailable(core)(context));
    return;
  }
  const { states, keyHolder } = found;
  const missing = taskIds.find((taskId, i) => states[i] === null && core.tasks.get(taskId) === undefined);
  const repeats = idempotencyKey !== undefined && core.tasks.byKey(idempotencyKey, now) !== undefined;
  if (missing === undefined || repeats) {
    submitChecked(core, connection, message, input, now);
    return;
  }
  if (keyHolder !== null) {
    sendReceived(core, connectionId, requestId, keyHolder);
    if (message.watch) watchEnd(core, keyHolder, connectionId, requestId);
    return;
  }
  const text = `needs: no task '${missing}' (or it ended long ago and is no longer kept)`;
  core.sendError(connectionId, new ProtocolError('UNKNOWN_TASK', text, context));
}
