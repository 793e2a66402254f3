import { ProtocolError } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { CoreState } from '../state.js';
import { summarize } from './task-summary.js';
import type { Task, Watcher } from './task.js';

/** Clients that wait for a task's end. */

/** Watchers of one task at once. */
const MAX_WATCHERS = 1_024;

/** Adds a watcher; an error to the client when the task has all it may have. */
export function watch(core: CoreState, task: Task, { connectionId, requestId }: Watcher): void {
  task.watchers ??= [];
  if (task.watchers.length >= MAX_WATCHERS) {
    task.watchers = task.watchers.filter((watcher) => core.connections.has(watcher.connectionId));
  }
  if (task.watchers.length < MAX_WATCHERS) {
    task.watchers.push({ connectionId, requestId });
    return;
  }
  const text = `the task has ${MAX_WATCHERS} watchers already`;
  const context = { requestId, taskId: task.spec.taskId };
  core.sendError(connectionId, new ProtocolError('TOO_MANY_REQUESTS', text, context));
}

export function isWatchedBy(task: Task, { connectionId, requestId }: Watcher): boolean {
  const { watchers } = task;
  if (watchers === null) return false;
  return watchers.some((one) => one.requestId === requestId && one.connectionId === connectionId);
}

/** How a task stands in memory; the caller has made sure that the store knows it. */
export function sendUpdate(core: CoreState, connectionId: string, requestId: number, task: Task): void {
  const { phase } = task;
  const message: MessageOf<'TaskUpdate'> = { type: 'TaskUpdate', requestId, task: summarize(task) };
  core.send(connectionId, message, phase.state === 'completed' ? phase.result : undefined);
}

/** The task's end is stored. */
export function notifyWatchers(core: CoreState, task: Task): void {
  const { watchers } = task;
  if (watchers === null) return;
  task.watchers = null;
  for (const { connectionId, requestId } of watchers) sendUpdate(core, connectionId, requestId, task);
}
