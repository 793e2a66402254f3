import { ProtocolError } from '../../../protocol/errors.js';
import type { Message, MessageOf } from '../../../protocol/messages.js';
import { readTraceparent } from '../../../protocol/traceparent.js';
import { specWithMore, type TaskNeeds, type TaskSpec } from '../../../store/records.js';
import type { Admission } from '../contract.js';
import { cancelKnown, queueRefusal, retryKnown } from './client-changes.js';
import { addRecurring, dropRecurring, recurringReport } from '../schedules/schedule-requests.js';
import { refuseUnexpected } from '../sessions/connection-lifecycle.js';
import type { Connection } from '../sessions/connections.js';
import { ownerOf } from '../sessions/rights.js';
import { countLookup, lookUp } from './lookups.js';
import { readNeeds } from './needs-input.js';
import { setLogLevel, stopCoordinator, switchKind } from './operator-requests.js';
import { agentsReport, statusReport } from '../reports.js';
import { outcomeOfTask, reportOutcome, sendReasoning } from '../reasoning/outcomes.js';
import { queryPatterns } from '../reasoning/patterns.js';
import { sendReceived, watchEnd } from './settlement.js';
import type { CoreState } from '../state.js';
import { activate } from './task-flow.js';
import { reportFromMemory } from './task-lists.js';
import { createTask, isFinished, remember, type Task } from './task.js';
import { sendUpdate, watch } from './watching.js';

const EMPTY = new Uint8Array(0);
const ADMITTED = { ok: true } as const;
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
    case 'QueryTask': {
      // also of one in memory: its story is in the store alone
      const { requestId, taskId } = message;
      lookUp(core, { wants: 'history', connectionId: connection.id, requestId, taskId });
      return;
    }
    case 'QueryTasks': {
      const report = reportFromMemory(core, message, now);
      if (report !== null) core.send(connection.id, report);
      else {
        const { requestId } = message;
        lookUp(core, { wants: 'list', connectionId: connection.id, requestId, query: message });
      }
      return;
    }
    case 'WatchTask':
      watchTask(core, connection, message);
      return;
    case 'CancelTask':
    case 'RetryTask':
      change(core, connection, message, now);
      return;
    case 'PauseKind':
    case 'ResumeKind':
      switchKind(core, connection, message);
      return;
    case 'AddRecurring':
      addRecurring(core, connection, message, payload ?? EMPTY, now);
      return;
    case 'DropRecurring':
      dropRecurring(core, connection, message);
      return;
    case 'QueryRecurring':
      core.send(connection.id, recurringReport(core, message.requestId));
      return;
    case 'SetLogLevel':
      setLogLevel(core, connection, message);
      return;
    case 'DrainCoordinator':
      stopCoordinator(core, connection, message);
      return;
    case 'QueryStatus':
      core.send(connection.id, statusReport(core, message.requestId, now));
      return;
    case 'QueryAgents':
      core.send(connection.id, agentsReport(core, message.requestId));
      return;
    case 'WatchEvents':
      core.feed.subscribe(core, connection.id, message);
      return;
    case 'ReportOutcome': {
      const { requestId, taskId } = message;
      if (!reportOutcome(core, connection.id, message, now)) return;
      const task = core.tasks.get(taskId);
      const known = task !== undefined && isFinished(task.phase) && core.commits.isDurable(task);
      if (known) outcomeOfTask(core, connection.id, message, task, now);
      else {
        lookUp(core, { wants: 'outcome', connectionId: connection.id, requestId, taskId, report: message });
      }
      return;
    }
    case 'QueryReasoning':
      sendReasoning(core, connection.id, message);
      return;
    case 'QueryPatterns':
      queryPatterns(core, connection.id, message);
      return;
    case 'HeartbeatMessage':
    case 'MessageAck':
      return;
    case 'ErrorReport':
      core.log('debug', 'client reports an error', { error: message.name, reason: message.message });
      return;
    default:
      refuseUnexpected(core, connection, message, 'a client', now);
  }
}

function submit(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
  now: number,
  needsChecked = false,
): void {
  const { requestId, idempotencyKey = null } = message;
  const existing = idempotencyKey === null ? undefined : core.tasks.byKey(idempotencyKey, now);
  if (existing !== undefined) {
    repeatSubmit(core, connection, message, existing);
    return;
  }
  const untraceable = traceFault(message);
  if (untraceable !== null) {
    core.sendError(connection.id, untraceable);
    return;
  }
  const needs = readNeeds(message, input);
  if (needs instanceof ProtocolError) {
    core.sendError(connection.id, needs);
    return;
  }
  const admission = admit(core, message, input, needs);
  if (admission instanceof ProtocolError) {
    core.sendError(connection.id, admission);
    return;
  }
  if (needs !== undefined && !needsChecked) {
    const unknown = needs.taskIds.filter((taskId) => core.tasks.get(taskId) === undefined);
    if (unknown.length > 0) {
      findNeeded(core, connection, message, input, unknown);
      return;
    }
  }
  const plain: TaskSpec = {
    taskId: core.ports.random.taskId(now),
    kind: core.oneNameOf(message.kind),
    priority: message.priority ?? DEFAULT_PRIORITY,
    timeoutMs: message.timeoutMs ?? core.options.taskTimeoutMs,
    maxAttempts: message.attempts ?? DEFAULT_ATTEMPTS,
    idempotencyKey,
    keyHeldUntil: idempotencyKey === null ? null : now + core.options.idempotencyWindowMs,
    affinity: message.affinity ?? null,
    submittedAt: now,
  };
  const spec = specWithMore(plain, needs, message.traceparent);
  const delayMs = message.delayMs ?? 0;
  const notBefore = delayMs > 0 ? now + delayMs : null;
  const task = createTask(spec, input, notBefore);
  remember(task, admission);
  const received = { kind: 'received', connectionId: connection.id, requestId } as const;
  if (message.watch) task.watchers = [received];
  core.tasks.submit(task, now);
  core.counters.submitted++;
  rememberOwner(core, connection, spec.taskId);
  core.commits.add({ op: 'submit', spec, input, notBefore }, task, received);
  // with a key, the store may know an older task of it that memory has forgotten: wait for its word; a blocked task is
  // looked at when it is stored
  if (idempotencyKey === null && needs === undefined) activate(core, task);
}

/** What the schema cannot say of a traceparent. */
function traceFault({
  traceparent,
  requestId,
  type: messageType,
}: MessageOf<'SubmitTask'>): ProtocolError | null {
  if (traceparent === undefined) return null;
  const read = readTraceparent(traceparent);
  if (typeof read !== 'string') return null;
  const text = `SubmitTask: /traceparent ${read}`;
  return new ProtocolError('BAD_FIELD', text, { messageType, requestId, field: '/traceparent' });
}

/** A submit whose needs the store has been asked for: they exist. */
export function submitChecked(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
  now: number,
): void {
  submit(core, connection, message, input, now, true);
}

/** Memory does not know all that a submit needs: the store is asked before it is accepted. */
function findNeeded(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
  taskIds: readonly string[],
): void {
  const { requestId, type: messageType } = message;
  if (!countLookup(core, connection, { messageType, requestId })) return;
  core.needsReads.submitBytes += input.byteLength;
  core.needsReads.add({ why: 'submit', connectionId: connection.id, message, input, taskIds });
}

/** An operator needs no proof that a task is its own. */
function rememberOwner(core: CoreState, connection: Connection, taskId: string): void {
  const { role } = connection;
  if (role.kind !== 'client' || role.role === 'operator') return;
  core.ownTasks.add(taskId, ownerOf(connection, role.clientId));
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
  if (message.watch) watchEnd(core, task.spec.taskId, connection.id, requestId);
}

function admit(
  core: CoreState,
  message: MessageOf<'SubmitTask'>,
  input: Uint8Array,
  needs: TaskNeeds | undefined,
): Extract<Admission, { ok: true }> | ProtocolError {
  const { requestId, kind, type: messageType } = message;
  const refusal = queueRefusal(core, input.byteLength, messageType, requestId);
  if (refusal !== null) return refusal;
  const admission = core.ports.admit(kind, input);
  if (admission.ok) return admission;
  if (admission.name === 'UNKNOWN_KIND' && core.scheduler.isOffered(kind)) return ADMITTED;
  // what is to be put in is not there yet: it is checked when it is
  if (admission.name === 'BAD_INPUT' && (needs?.inserts.length ?? 0) > 0) return ADMITTED;
  const { name, message: text, field } = admission;
  return new ProtocolError(name, text, { messageType, requestId, field });
}

/** Says how the task stands, and again when it ends. */
function watchTask(core: CoreState, connection: Connection, message: MessageOf<'WatchTask'>): void {
  const { requestId, taskId } = message;
  const connectionId = connection.id;
  const task = core.tasks.get(taskId);
  if (task === undefined) {
    lookUp(core, { wants: 'state', connectionId, requestId, taskId });
    return;
  }
  if (core.commits.isDurable(task)) sendUpdate(core, connectionId, requestId, task);
  else core.commits.addReply(task, { kind: 'update', connectionId, requestId, when: 'now-and-end' });
  if (!isFinished(task.phase)) watch(core, task, { connectionId, requestId });
}

function change(
  core: CoreState,
  { id: connectionId }: Connection,
  message: MessageOf<'CancelTask'> | MessageOf<'RetryTask'>,
  now: number,
): void {
  const { requestId, taskId } = message;
  const task = core.tasks.get(taskId);
  const isRetry = message.type === 'RetryTask';
  const request = { connectionId, requestId, taskId };
  if (task === undefined) lookUp(core, { wants: isRetry ? 'retry' : 'cancel', ...request });
  else if (isRetry) retryKnown(core, request, task, now);
  else cancelKnown(core, request, task, null, now);
}
