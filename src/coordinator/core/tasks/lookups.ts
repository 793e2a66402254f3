import { ProtocolError, type ErrorContext } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { ListedTask, StoredTask } from '../../../store/records.js';
import { cancelKnown, retryKnown } from './client-changes.js';
import { MAX_LOOKUPS, type Connection } from '../sessions/connections.js';
import { DEFAULT_PAGE, reportTasks } from './task-lists.js';
import type { CoreState, Lookup } from '../state.js';
import { storeTakesLeases, storeUnavailable } from '../commits/store-health.js';
import { historyOf, summarizeKnown } from './task-summary.js';
import { isFinished, restoreTask } from './task.js';
import { WaitReasons } from './waits-for.js';
import { outcomeOfTask } from '../reasoning/outcomes.js';
import { findPatterns } from '../reasoning/patterns.js';
import { sendUpdate, watch } from './watching.js';

/** Questions of clients that only the store can answer. */

export function lookUp(core: CoreState, lookup: Lookup): void {
  const { connectionId, requestId } = lookup;
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  const taskId = 'taskId' in lookup ? lookup.taskId : undefined;
  if (!countLookup(core, connection, { requestId, taskId })) return;
  const lookupId = core.nextLookupId++;
  core.lookups.set(lookupId, lookup);
  if (lookup.wants === 'patterns') {
    findPatterns(core, lookupId, lookup);
    return;
  }
  if (lookup.wants !== 'list') {
    core.act({ type: 'lookup', lookupId, taskId: lookup.taskId });
    return;
  }
  const { state, kind, before, limit } = lookup.query;
  const filter = {
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(before === undefined ? {} : { before }),
    limit: (limit ?? DEFAULT_PAGE) + 1,
  };
  core.act({ type: 'list', lookupId, filter });
}

/** Counts a question to the store for the connection that waits for it. False, and it is told, when it has too many open. */
export function countLookup(core: CoreState, connection: Connection, context: ErrorContext): boolean {
  if (connection.lookups < MAX_LOOKUPS) {
    connection.lookups++;
    return true;
  }
  const text = `${MAX_LOOKUPS} queries of this connection are open already`;
  core.sendError(connection.id, new ProtocolError('TOO_MANY_REQUESTS', text, context));
  return false;
}

/** The store has answered for one task, or could not. */
export function lookedUp(core: CoreState, lookupId: number, stored: StoredTask | null, now: number): void {
  const lookup = endLookup(core, lookupId);
  if (lookup === null || !('taskId' in lookup)) return;
  switch (lookup.wants) {
    case 'cancel':
      cancelKnown(core, lookup, core.tasks.get(lookup.taskId), stored, now);
      return;
    case 'retry': {
      const task = core.tasks.get(lookup.taskId) ?? (stored === null ? undefined : restoreTask(stored));
      retryKnown(core, lookup, task, now);
      return;
    }
    case 'outcome': {
      // the store first: it knows when a task that memory has restored was leased
      const task = stored ?? core.tasks.get(lookup.taskId) ?? null;
      if (task === null && !storeTakesLeases(core)) {
        const { connectionId, requestId, taskId } = lookup;
        core.sendError(connectionId, storeUnavailable(core)({ requestId, taskId }));
      } else outcomeOfTask(core, lookup.connectionId, lookup.report, task, now);
      return;
    }
    case 'state':
    case 'history':
      if (stored === null) answerFromMemory(core, lookup);
      else answerFromStore(core, lookup, stored, now);
  }
}

/** The store has answered for a list, or could not. */
export function listed(
  core: CoreState,
  lookupId: number,
  tasks: readonly ListedTask[] | null,
  now: number,
): void {
  const lookup = endLookup(core, lookupId);
  if (lookup?.wants !== 'list') return;
  const { connectionId, requestId, query } = lookup;
  if (tasks === null) core.sendError(connectionId, storeUnavailable(core)({ requestId }));
  else core.send(connectionId, reportTasks(core, query, tasks, now));
}

type TaskLookup = Extract<Lookup, { readonly taskId: string }>;

/** What the store says is durable, which memory may not be: so it is preferred. */
function answerFromStore(core: CoreState, lookup: TaskLookup, stored: StoredTask, now: number): void {
  const { connectionId, requestId = 0, taskId, wants } = lookup;
  const task = core.tasks.get(taskId);
  const message: MessageOf<'TaskUpdate'> = {
    type: 'TaskUpdate',
    requestId,
    task: summarizeKnown(stored, task, new WaitReasons(core, now)),
    ...(wants === 'history' ? { history: historyOf(stored, task) } : {}),
  };
  const { current } = stored;
  core.send(connectionId, message, current.state === 'completed' ? current.result : undefined);
  // it was not in memory when its end was asked for, but has been retried since
  if (wants === 'state' && task !== undefined && !('finishedAt' in current) && !isFinished(task.phase)) {
    watch(core, task, { connectionId, requestId });
  }
}

/** The store does not have it yet or any more, or cannot be read. */
function answerFromMemory(core: CoreState, { connectionId, requestId = 0, taskId }: TaskLookup): void {
  const task = core.tasks.get(taskId);
  if (task !== undefined && core.commits.isDurable(task)) sendUpdate(core, connectionId, requestId, task);
  else if (!storeTakesLeases(core)) {
    core.sendError(connectionId, storeUnavailable(core)({ requestId, taskId }));
  } else if (task !== undefined)
    core.commits.addReply(task, { kind: 'update', connectionId, requestId, when: 'now' });
  else {
    const text = `no task '${taskId}' (or it ended long ago and is no longer kept)`;
    core.sendError(connectionId, new ProtocolError('UNKNOWN_TASK', text, { requestId, taskId }));
  }
}

/** Takes a question off the list; null when nobody waits for its answer any more. */
export function endLookup(core: CoreState, lookupId: number): Lookup | null {
  const lookup = core.lookups.get(lookupId);
  if (lookup === undefined) return null;
  core.lookups.delete(lookupId);
  const connection = core.connections.get(lookup.connectionId);
  if (connection === undefined) return null;
  connection.lookups--;
  return lookup;
}
