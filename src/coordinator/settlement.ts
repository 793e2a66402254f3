import { ProtocolError } from '../protocol/errors.js';
import type { MessageOf, StreamPurpose } from '../protocol/messages.js';
import type { StoredTask } from '../store/records.js';
import type { StoreOutcome } from '../store/store.js';
import type { CommitEntry, JoinedReply, Reply } from './commit-log.js';
import { MAX_LOOKUPS, type Connection } from './connections.js';
import { connectionOf, type Session } from './sessions.js';
import { sessionJoined } from './session-lifecycle.js';
import type { CoreState } from './state.js';
import { activate, withdrawTask } from './task-flow.js';
import { isFinished, recoverTask, summarize, type Task } from './task.js';

/** What is said when a commit is durable, and what is done when it is not: the one place that acknowledges. */

/** Watchers of one task at once. */
const MAX_WATCHERS = 1_024;
/** Ids in one MessageAck: about 40 kB. */
const MAX_ACK_IDS = 1_000;
const STREAMS: readonly { readonly purpose: StreamPurpose; readonly priority: number }[] = [
  { purpose: 'control', priority: 0 },
  { purpose: 'tasks-high', priority: 1 },
  { purpose: 'tasks-normal', priority: 3 },
  { purpose: 'tasks-low', priority: 5 },
  { purpose: 'bulk', priority: 6 },
];

/** Acknowledges what a durable commit brought; one MessageAck for each connection and status. */
export function settleCommit(
  core: CoreState,
  entries: readonly CommitEntry[],
  outcomes: readonly StoreOutcome[],
  now: number,
): void {
  const acks = new AckBatch(core);
  const ended: Task[] = [];
  const updates: { readonly task: Task; readonly reply: Reply & { readonly kind: 'update' } }[] = [];
  let index = 0;
  for (const { op, task, reply } of entries) {
    if (op !== null) {
      const outcome = outcomes[index++];
      if (outcome === undefined || outcome.status !== 'applied') {
        settleRefused(core, { op, task, reply }, outcome, now);
        continue;
      }
      if (task !== null) {
        if (op.op === 'submit' && op.spec.idempotencyKey !== null) activate(core, task);
        else if (op.op === 'complete' || op.op === 'fail' || op.op === 'cancel') ended.push(task);
      }
    }
    if (reply === null) continue;
    if (reply.kind === 'joined') sendAgentAck(core, reply.session, reply.joined, now);
    else if (reply.kind === 'processed') acks.processed(reply.connectionId, null, reply.id);
    else if (task === null) continue;
    else if (reply.kind === 'received') acks.received(reply.connectionId, reply.requestId, task.spec.taskId);
    else if (reply.kind === 'done') acks.processed(reply.connectionId, reply.requestId, task.spec.taskId);
    else updates.push({ task, reply });
  }
  acks.send();
  for (const { task, reply } of updates) sendUpdate(core, reply.connectionId, reply.requestId, task);
  for (const task of ended) notifyWatchers(core, task);
}

/** Refuses the submits that a failed commit brought down, with all that hung on them. */
export function settleLost(core: CoreState, entries: readonly CommitEntry[], now: number): void {
  for (const { op, task, reply } of entries) {
    if (task === null) continue;
    if (op?.op === 'submit') withdrawTask(core, task, now);
    if (reply === null) continue;
    if (reply.kind === 'received' || reply.kind === 'done' || reply.kind === 'update') {
      const text = 'the coordinator could not store the task; nothing was submitted';
      const { requestId } = reply;
      const context = { requestId, retryAfterMs: core.options.storeRetryMs };
      core.sendError(reply.connectionId, new ProtocolError('STORE_UNAVAILABLE', text, context));
    } else if (reply.kind === 'processed') {
      const taskId = reply.id;
      const text = `the submit of task '${taskId}' was not stored: drop its result`;
      core.sendError(reply.connectionId, new ProtocolError('UNKNOWN_TASK', text, { taskId }));
    }
  }
}

/** The store did not apply one operation: the idempotency key is taken, or another coordinator was faster. */
function settleRefused(
  core: CoreState,
  entry: CommitEntry,
  outcome: StoreOutcome | undefined,
  now: number,
): void {
  const { op, task, reply } = entry;
  if (task !== null && outcome?.status === 'duplicate') {
    joinExisting(core, task, [entry, ...core.commits.remove(task)], outcome.taskId, now);
    return;
  }
  core.counters.storeConflicts++;
  core.log('error', 'the store refused a change: the task is in other hands', {
    operation: op?.op ?? 'none',
    taskId: task?.spec.taskId ?? null,
    storedEpoch: outcome?.status === 'conflict' ? outcome.epoch : null,
  });
  if (task === null || reply === null) return;
  const { taskId } = task.spec;
  if (reply.kind === 'processed') {
    const text = 'another coordinator has taken the task over: drop its result';
    core.sendError(reply.connectionId, new ProtocolError('STALE_LEASE', text, { taskId }));
  } else if (reply.kind !== 'joined') {
    const { requestId } = reply;
    const text = 'another coordinator has changed the task';
    core.sendError(reply.connectionId, new ProtocolError('TASK_FINISHED', text, { taskId, requestId }));
  }
}

/** The store knows an older task of the key: this one has never been, and its clients get that one. */
function joinExisting(
  core: CoreState,
  task: Task,
  entries: readonly CommitEntry[],
  existingId: string,
  now: number,
): void {
  withdrawTask(core, task, now);
  for (const { reply } of entries) {
    if (reply?.kind === 'received') sendReceived(core, reply.connectionId, reply.requestId, existingId);
  }
  const existing = core.tasks.get(existingId);
  for (const { connectionId, requestId } of task.watchers ?? []) {
    const connection = core.connections.get(connectionId);
    if (connection === undefined) continue;
    if (existing === undefined) lookUp(core, connection, requestId, existingId);
    else if (isFinished(existing.phase)) sendUpdate(core, connectionId, requestId, existing);
    else watch(core, existing, connectionId, requestId);
  }
}

/** Adds a watcher; an error when the task has all it may have. */
export function watch(
  core: CoreState,
  task: Task,
  connectionId: string,
  requestId: number,
): ProtocolError | null {
  task.watchers ??= [];
  if (task.watchers.length >= MAX_WATCHERS) {
    task.watchers = task.watchers.filter((watcher) => core.connections.has(watcher.connectionId));
  }
  if (task.watchers.length >= MAX_WATCHERS) {
    const text = `the task has ${MAX_WATCHERS} watchers already`;
    return new ProtocolError('TOO_MANY_REQUESTS', text, { requestId, taskId: task.spec.taskId });
  }
  task.watchers.push({ connectionId, requestId });
  return null;
}

export function sendUpdate(core: CoreState, connectionId: string, requestId: number, task: Task): void {
  const { phase } = task;
  const message: MessageOf<'TaskUpdate'> = { type: 'TaskUpdate', requestId, task: summarize(task) };
  core.send(connectionId, message, phase.state === 'completed' ? phase.result : undefined);
}

export function sendReceived(core: CoreState, connectionId: string, requestId: number, taskId: string): void {
  core.send(connectionId, {
    type: 'MessageAck',
    status: 'received',
    requestIds: [requestId],
    taskIds: [taskId],
  });
}

export function sendProcessed(core: CoreState, connectionId: string, taskIds: string[]): void {
  core.send(connectionId, { type: 'MessageAck', status: 'processed', requestIds: [], taskIds });
}

/** Asks the store for a task that memory does not have. */
export function lookUp(core: CoreState, connection: Connection, requestId: number, taskId: string): void {
  if (connection.lookups >= MAX_LOOKUPS) {
    const text = `${MAX_LOOKUPS} queries of this connection are open already`;
    core.sendError(connection.id, new ProtocolError('TOO_MANY_REQUESTS', text, { requestId, taskId }));
    return;
  }
  connection.lookups++;
  const lookupId = core.nextLookupId++;
  core.lookups.set(lookupId, { connectionId: connection.id, requestId, taskId });
  core.act({ type: 'lookup', lookupId, taskId });
}

/** Answers a client with what the store knew. */
export function lookedUp(core: CoreState, lookupId: number, stored: StoredTask | null, now: number): void {
  const lookup = core.lookups.get(lookupId);
  if (lookup === undefined) return;
  core.lookups.delete(lookupId);
  const { connectionId, requestId, taskId } = lookup;
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  connection.lookups--;
  if (stored === null) {
    const text = `no task '${taskId}' (or it ended long ago and is no longer kept)`;
    core.sendError(connectionId, new ProtocolError('UNKNOWN_TASK', text, { requestId, taskId }));
    return;
  }
  sendUpdate(core, connectionId, requestId, recoverTask(stored, now));
}

function notifyWatchers(core: CoreState, task: Task): void {
  const { watchers } = task;
  if (watchers === null) return;
  task.watchers = null;
  for (const { connectionId, requestId } of watchers) sendUpdate(core, connectionId, requestId, task);
}

function sendAgentAck(core: CoreState, session: Session, joined: JoinedReply, now: number): void {
  const { connectionId, protocolVersion, sessionToken, resumed, abortedTasks } = joined;
  if (session.phase.state !== 'joining' || connectionOf(session) !== connectionId) return;
  const { coordinatorId, heartbeatIntervalMs, sessionGraceMs } = core.options;
  const { maxMessageBytes, ownStreamThresholdBytes } = core.options;
  core.send(connectionId, {
    type: 'AgentAck',
    protocolVersion,
    coordinatorId,
    sessionToken,
    resumed,
    assignedStreams: [...STREAMS],
    configuration: { heartbeatIntervalMs, sessionGraceMs, maxMessageBytes, ownStreamThresholdBytes },
    abortedTasks,
  });
  sessionJoined(core, session, connectionId, now);
}

/** Acknowledgements of one commit, gathered by connection. */
class AckBatch {
  readonly #core: CoreState;
  readonly #received = new Map<string, { requestIds: number[]; taskIds: string[] }>();
  readonly #processed = new Map<string, { requestIds: number[]; taskIds: string[] }>();

  constructor(core: CoreState) {
    this.#core = core;
  }

  received(connectionId: string, requestId: number, taskId: string): void {
    this.#add('received', this.#received, connectionId, requestId, taskId);
  }

  processed(connectionId: string, requestId: number | null, taskId: string): void {
    this.#add('processed', this.#processed, connectionId, requestId, taskId);
  }

  send(): void {
    for (const [connectionId, ids] of this.#received) this.#emit('received', connectionId, ids);
    for (const [connectionId, ids] of this.#processed) this.#emit('processed', connectionId, ids);
  }

  #add(
    status: 'received' | 'processed',
    batches: Map<string, { requestIds: number[]; taskIds: string[] }>,
    connectionId: string,
    requestId: number | null,
    taskId: string,
  ): void {
    let ids = batches.get(connectionId);
    if (ids !== undefined && ids.taskIds.length >= MAX_ACK_IDS) {
      this.#emit(status, connectionId, ids);
      ids = undefined;
    }
    if (ids === undefined) {
      ids = { requestIds: [], taskIds: [] };
      batches.set(connectionId, ids);
    }
    if (requestId !== null) ids.requestIds.push(requestId);
    ids.taskIds.push(taskId);
  }

  #emit(
    status: 'received' | 'processed',
    connectionId: string,
    { requestIds, taskIds }: { requestIds: number[]; taskIds: string[] },
  ): void {
    this.#core.send(connectionId, { type: 'MessageAck', status, requestIds, taskIds });
  }
}
