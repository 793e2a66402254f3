import { ProtocolError } from '../protocol/errors.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import type { TaskSpec } from '../store/records.js';
import { refuse } from './connection-lifecycle.js';
import type { Connection } from './connections.js';
import { agentsReport, statusReport } from './reports.js';
import { lookUp, sendReceived, sendUpdate, watch } from './settlement.js';
import type { CoreState } from './state.js';
import { activate, cancelTask } from './task-flow.js';
import { createTask, isFinished, type Task } from './task.js';

const EMPTY = new Uint8Array(0);
const DEFAULT_PRIORITY = 5;
const DEFAULT_ATTEMPTS = 3;

/** What a client asks after its handshake. */
export function handleClientMessage(
  core: CoreState,
  connection: Connection,
  message: Message,
  payload: Uint8Array | undefined,
  now: number,
): void {
  switch (message.type) {
    case 'SubmitTask':
      submit(core, connection, message, payload ?? EMPTY, now);
      return;
    case 'QueryTask':
    case 'WatchTask':
      query(core, connection, message);
      return;
    case 'CancelTask':
      cancel(core, connection, message, now);
      return;
    case 'QueryStatus':
      core.send(connection.id, statusReport(core, message.requestId));
      return;
    case 'QueryAgents':
      core.send(connection.id, agentsReport(core, message.requestId));
      return;
    case 'HeartbeatMessage':
    case 'MessageAck':
      return;
    case 'ErrorReport':
      core.log('debug', 'client reports an error', { error: message.name, reason: message.message });
      return;
    default: {
      const text = `a client does not send ${message.type} after its handshake`;
      refuse(
        core,
        connection,
        new ProtocolError('UNEXPECTED_MESSAGE', text, { messageType: message.type }),
        now,
      );
    }
  }
}

function submit(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
  now: number,
): void {
  const { requestId, idempotencyKey = null } = message;
  const existing = idempotencyKey === null ? undefined : core.tasks.byKey(idempotencyKey);
  if (existing !== undefined) {
    repeatSubmit(core, connection, message, existing);
    return;
  }
  const refusal = admissionError(core, message, input);
  if (refusal !== null) {
    core.sendError(connection.id, refusal);
    return;
  }
  const spec: TaskSpec = {
    taskId: core.ports.random.taskId(now),
    kind: message.kind,
    priority: message.priority ?? DEFAULT_PRIORITY,
    timeoutMs: message.timeoutMs ?? core.options.taskTimeoutMs,
    maxAttempts: message.attempts ?? DEFAULT_ATTEMPTS,
    idempotencyKey,
    affinity: message.affinity ?? null,
    submittedAt: now,
  };
  const delayMs = message.delayMs ?? 0;
  const notBefore = delayMs > 0 ? now + delayMs : null;
  const task = createTask(spec, input, notBefore);
  if (message.watch) task.watchers = [{ connectionId: connection.id, requestId }];
  core.tasks.add(task);
  core.counters.submitted++;
  core.commits.add({ op: 'submit', spec, input, notBefore }, task, {
    kind: 'received',
    connectionId: connection.id,
    requestId,
  });
  // with a key, the store may know an older task of it that memory has forgotten: wait for its word
  if (idempotencyKey === null) activate(core, task);
}

/** The key is known: the answer is the task that has it, whatever this submit says of kind or input. */
function repeatSubmit(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'SubmitTask'>,
  task: Task,
): void {
  const { requestId } = message;
  const durable = core.commits.isDurable(task);
  if (durable) sendReceived(core, connection.id, requestId, task.spec.taskId);
  else core.commits.addReply(task, { kind: 'received', connectionId: connection.id, requestId });
  if (!message.watch) return;
  if (!isFinished(task.phase)) {
    const error = watch(core, task, connection.id, requestId);
    if (error !== null) core.sendError(connection.id, error);
  } else if (durable) {
    sendUpdate(core, connection.id, requestId, task);
  } else {
    core.commits.addReply(task, { kind: 'update', connectionId: connection.id, requestId });
  }
}

function admissionError(
  core: CoreState,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
): ProtocolError | null {
  const { requestId, kind, type: messageType } = message;
  const context = { messageType, requestId };
  const { maxQueue, maxQueueBytes, storeRetryMs } = core.options;
  if (core.operation.state !== 'running') {
    return new ProtocolError('DRAINING', 'the coordinator drains and takes no new tasks', context);
  }
  if (core.storeIsDown) {
    const text = 'the coordinator cannot store tasks now; nothing was submitted';
    return new ProtocolError('STORE_UNAVAILABLE', text, { ...context, retryAfterMs: storeRetryMs });
  }
  if (core.tasks.waiting >= maxQueue) {
    const text = `${core.tasks.waiting} tasks wait already: try again when some are done, or raise --max-queue (${maxQueue})`;
    return new ProtocolError('QUEUE_FULL', text, { ...context, retryAfterMs: 1_000 });
  }
  if (core.tasks.inputBytes + input.byteLength > maxQueueBytes) {
    const text = `the inputs of unfinished tasks take ${core.tasks.inputBytes} of ${maxQueueBytes} bytes: try again when some are done`;
    return new ProtocolError('QUEUE_FULL', text, { ...context, retryAfterMs: 1_000 });
  }
  const admission = core.ports.admit(kind, input);
  if (admission.ok || (admission.name === 'UNKNOWN_KIND' && core.scheduler.isOffered(kind))) return null;
  return new ProtocolError(admission.name, admission.message, { ...context, field: admission.field });
}

function query(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'QueryTask'> | MessageOf<'WatchTask'>,
): void {
  const { requestId, taskId } = message;
  const task = core.tasks.get(taskId);
  if (task === undefined) {
    lookUp(core, connection, requestId, taskId);
    return;
  }
  if (core.commits.isDurable(task)) sendUpdate(core, connection.id, requestId, task);
  else core.commits.addReply(task, { kind: 'update', connectionId: connection.id, requestId });
  if (message.type === 'QueryTask' || isFinished(task.phase)) return;
  const error = watch(core, task, connection.id, requestId);
  if (error !== null) core.sendError(connection.id, error);
}

function cancel(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'CancelTask'>,
  now: number,
): void {
  const { requestId, taskId, type: messageType } = message;
  const context = { messageType, requestId, taskId };
  const task = core.tasks.get(taskId);
  if (task === undefined) {
    const text = `no unfinished task '${taskId}'`;
    core.sendError(connection.id, new ProtocolError('UNKNOWN_TASK', text, context));
  } else if (isFinished(task.phase)) {
    const text = `the task is ${task.phase.state} already`;
    core.sendError(connection.id, new ProtocolError('TASK_FINISHED', text, context));
  } else {
    const connectionId = connection.id;
    cancelTask(core, task, requestId === undefined ? null : { kind: 'done', connectionId, requestId }, now);
  }
}
