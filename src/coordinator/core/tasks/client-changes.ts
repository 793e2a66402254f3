import { ProtocolError } from '../../../protocol/errors.js';
import type { StoredTask } from '../../../store/records.js';
import type { CoreState } from '../state.js';
import { storeTakesLeases, storeTakesSubmits, storeUnavailable } from '../commits/store-health.js';
import { cancelTask } from './task-flow.js';
import { isFinished, type Task } from './task.js';

const QUEUE_RETRY_MS = 1_000;

/** What clients change about tasks that exist: cancel and retry. */

export interface ChangeRequest {
  readonly connectionId: string;
  /** Without one, nothing is answered to a change that took effect. */
  readonly requestId: number | undefined;
  readonly taskId: string;
}

/** Cancels a task, given what memory and store know of it. */
export function cancelKnown(
  core: CoreState,
  request: ChangeRequest,
  task: Task | undefined,
  stored: StoredTask | null,
  now: number,
): void {
  const { connectionId, requestId } = request;
  if (task !== undefined && !isFinished(task.phase)) {
    cancelTask(core, task, requestId === undefined ? null : { kind: 'done', connectionId, requestId }, now);
    return;
  }
  const state = task?.phase.state ?? stored?.current.state;
  const ended = task !== undefined || (stored !== null && 'finishedAt' in stored.current);
  if (ended) refuse(core, 'CancelTask', request, 'TASK_FINISHED', `the task is ${state ?? 'over'} already`);
  else refuseUnknown(core, 'CancelTask', request);
}

/**
 * Queues a task once more, given it as memory or store know it. It waits in memory again when the store has taken the
 * change: of two retries at once it takes one.
 */
export function retryKnown(
  core: CoreState,
  request: ChangeRequest,
  task: Task | undefined,
  now: number,
): void {
  const { connectionId, requestId, taskId } = request;
  if (task === undefined) {
    refuseUnknown(core, 'RetryTask', request);
    return;
  }
  const { state } = task.phase;
  if (state !== 'failed' && state !== 'dead' && state !== 'cancelled') {
    const text = `the task is ${state}: only one that failed, is dead or was cancelled can be retried`;
    refuse(core, 'RetryTask', request, 'TASK_NOT_RETRYABLE', text);
    return;
  }
  const refusal = queueRefusal(core, task.inputBytes, 'RetryTask', requestId, taskId);
  if (refusal !== null) {
    core.sendError(connectionId, refusal);
    return;
  }
  const reply = requestId === undefined ? null : ({ kind: 'retried', connectionId, requestId } as const);
  core.commits.add({ op: 'retry', taskId, epoch: task.epoch, at: now }, task, reply);
}

/** Why the queue takes no task with an input of this size now, or null when it does. */
export function queueRefusal(
  core: CoreState,
  inputBytes: number,
  messageType: string,
  requestId: number | undefined,
  taskId?: string,
): ProtocolError | null {
  const { maxQueue, maxQueueBytes } = core.options;
  const { waiting, inputBytes: takenBytes } = core.tasks;
  const isRunning = core.operation.state === 'running';
  const fits = waiting < maxQueue && takenBytes + inputBytes <= maxQueueBytes;
  if (isRunning && fits && storeTakesSubmits(core)) return null;
  const context = { messageType, requestId, taskId };
  if (!isRunning) {
    return new ProtocolError('DRAINING', 'the coordinator drains and takes no new tasks', context);
  }
  if (!storeTakesSubmits(core)) return storeUnavailable(core)(context);
  const what =
    waiting < maxQueue
      ? `the inputs of unfinished tasks take ${takenBytes} of ${maxQueueBytes} bytes: try again when some are done`
      : `${waiting} tasks wait already: try again when some are done, or raise --max-queue (${maxQueue})`;
  return new ProtocolError('QUEUE_FULL', what, { ...context, retryAfterMs: QUEUE_RETRY_MS });
}

function refuse(
  core: CoreState,
  messageType: string,
  { connectionId, requestId, taskId }: ChangeRequest,
  name: 'TASK_FINISHED' | 'TASK_NOT_RETRYABLE' | 'UNKNOWN_TASK',
  text: string,
): void {
  core.sendError(connectionId, new ProtocolError(name, text, { messageType, requestId, taskId }));
}

/** Nobody knows the task; but a store that is down cannot say so. */
function refuseUnknown(core: CoreState, messageType: string, request: ChangeRequest): void {
  const { connectionId, requestId, taskId } = request;
  if (!storeTakesLeases(core)) {
    core.sendError(connectionId, storeUnavailable(core)({ messageType, requestId, taskId }));
    return;
  }
  const text = `no task '${taskId}' (or it ended long ago and is no longer kept)`;
  refuse(core, messageType, request, 'UNKNOWN_TASK', text);
}
