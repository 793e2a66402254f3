import { ProtocolError, type ErrorContext } from '../../../protocol/errors.js';
import type { StreamPurpose } from '../../../protocol/messages.js';
import type { StoreOutcome } from '../../../store/store.js';
import { Acknowledgements } from '../commits/acknowledgements.js';
import type { CommitEntry, JoinedReply, Reply } from '../commits/commit-log.js';
import { agentJoined } from '../reasoning/agents.js';
import { trimInput } from './input-reads.js';
import { lookUp } from './lookups.js';
import { occurrenceLost, occurrenceStored } from '../schedules/schedules.js';
import { connectionOf, type Session } from '../sessions/sessions.js';
import { sessionJoined } from '../sessions/session-lifecycle.js';
import type { CoreState } from '../state.js';
import { activate, releaseTask, reviveTask, withdrawTask } from './task-flow.js';
import { activeLease, isFinished, type Task } from './task.js';
import { isWatchedBy, notifyWatchers, sendUpdate, watch } from './watching.js';

/** What is said when a commit is durable, and what is done when it is not: the one place that acknowledges. */

const STREAMS: readonly { readonly purpose: StreamPurpose; readonly priority: number }[] = [
  { purpose: 'control', priority: 0 },
  { purpose: 'tasks-high', priority: 1 },
  { purpose: 'tasks-normal', priority: 3 },
  { purpose: 'tasks-low', priority: 5 },
  { purpose: 'bulk', priority: 6 },
];

type Update = Extract<Reply, { kind: 'update' }>;
type Processed = Extract<Reply, { kind: 'processed' }>;

/** Acknowledges what a durable commit brought. */
export function settleCommit(
  core: CoreState,
  entries: readonly CommitEntry[],
  outcomes: readonly StoreOutcome[],
  now: number,
): void {
  const acks = new Acknowledgements(core);
  const ended: Task[] = [];
  const retried: Task[] = [];
  const updates: { readonly task: Task; readonly reply: Update }[] = [];
  let duplicates: Map<Task, Duplicate> | null = null;
  let index = 0;
  for (const entry of entries) {
    const { op, task, reply } = entry;
    if (op !== null) {
      const outcome = outcomes[index++];
      if (task !== null && outcome?.status === 'duplicate') {
        duplicates ??= new Map();
        duplicates.set(task, { existingId: outcome.taskId, entries: [entry] });
        continue;
      }
      if (outcome?.status !== 'applied') {
        settleRefused(core, entry, outcome, now);
        continue;
      }
      if (task !== null) {
        if (op.op === 'submit') submitStored(core, task);
        else if (op.op === 'complete' || op.op === 'fail' || op.op === 'cancel' || op.op === 'unmet')
          ended.push(task);
        else if (op.op === 'release') releaseTask(core, task, op, now);
        else if (op.op === 'retry') retried.push(task);
      }
    } else if (duplicates !== null && task !== null) {
      const duplicate = duplicates.get(task);
      if (duplicate !== undefined) {
        duplicate.entries.push(entry);
        continue;
      }
    }
    if (reply === null) continue;
    if (reply.kind === 'joined') sendAgentAck(core, reply.session, reply.joined, now);
    else if (reply.kind === 'processed') settleProcessed(core, acks, task, reply);
    else if (reply.kind === 'kept') sendKept(core, reply.connectionId, reply.requestId);
    else if (reply.kind === 'message') core.send(reply.connectionId, reply.message);
    else if (task === null) continue;
    else if (reply.kind === 'done') acks.processed(reply.connectionId, reply.requestId, task.spec.taskId);
    else if (reply.kind === 'update') updates.push({ task, reply });
    else acks.received(reply.connectionId, reply.requestId, task.spec.taskId);
  }
  acks.send();
  // a watcher hears of the end once
  const others = updates.filter(({ task, reply }) => !isFinished(task.phase) || !isWatchedBy(task, reply));
  for (const task of ended) notifyWatchers(core, task);
  if (core.needs.size > 0) {
    for (const { spec, phase } of ended) if (isFinished(phase)) core.needs.ended(spec.taskId, phase.state);
  }
  // after the word of their end, and before how they stand
  for (const task of retried) settleRetried(core, task, now);
  for (const { task, reply } of others) settleUpdate(core, task, reply);
  if (duplicates !== null) joinExisting(core, duplicates, now);
}

/** Refuses the submits that a failed commit brought down, with all that hung on them. */
export function settleLost(
  core: CoreState,
  entries: readonly CommitEntry[],
  refusal: (context: ErrorContext) => ProtocolError,
  now: number,
): void {
  for (const { op, task, reply } of entries) {
    if (task === null) continue;
    if (op?.op === 'submit') {
      withdrawTask(core, task, now);
      occurrenceLost(core, task, now);
    }
    if (reply === null || reply.kind === 'joined' || reply.kind === 'message') continue;
    if (reply.kind === 'processed') {
      const taskId = reply.id;
      const text = `the submit of task '${taskId}' was not stored: drop its result`;
      core.sendError(reply.connectionId, new ProtocolError('UNKNOWN_TASK', text, { taskId }));
    } else {
      core.sendError(reply.connectionId, refusal({ requestId: reply.requestId }));
    }
  }
}

function submitStored(core: CoreState, task: Task): void {
  task.stored = true;
  if (core.schedules.submitting.size > 0) occurrenceStored(core, task);
  // with a key it has waited for the store's word, whether the key was free
  if (task.spec.idempotencyKey !== null || task.phase.state === 'blocked') activate(core, task);
  trimInput(core, task);
  // what is still to be done may stay for long, while the tasks that came with it end
  core.tasks.isolateInput(task);
}

/** Answers how a task stands, once the store knows all of it. */
function settleUpdate(core: CoreState, task: Task, reply: Update): void {
  if (!core.commits.isDurable(task)) {
    core.commits.addReply(task, reply);
    return;
  }
  const finished = isFinished(task.phase);
  if (finished || reply.when !== 'end') sendUpdate(core, reply.connectionId, reply.requestId, task);
  if (!finished && reply.when !== 'now' && !isWatchedBy(task, reply)) watch(core, task, reply);
}

/** The store has queued a task again. Memory may have forgotten it meanwhile, or taken it up under another object. */
function settleRetried(core: CoreState, task: Task, now: number): void {
  const known = core.tasks.get(task.spec.taskId) ?? task;
  if (isFinished(known.phase)) reviveTask(core, known, now);
}

/** The store did not apply one operation: a retry came too late, or another coordinator was faster. */
function settleRefused(
  core: CoreState,
  { op, task, reply }: CommitEntry,
  outcome: StoreOutcome | undefined,
  now: number,
): void {
  const storedEpoch = outcome?.status === 'conflict' ? outcome.epoch : null;
  if (task !== null && reply?.kind === 'retried') {
    const { taskId } = task.spec;
    const context = { taskId, requestId: reply.requestId };
    const error =
      storedEpoch === null
        ? new ProtocolError('UNKNOWN_TASK', `task '${taskId}' is no longer kept`, context)
        : new ProtocolError('TASK_NOT_RETRYABLE', 'the task has been retried already', context);
    core.sendError(reply.connectionId, error);
    return;
  }
  core.counters.storeConflicts++;
  core.log('error', 'the store refused a change: the task is in other hands', {
    operation: op?.op ?? 'none',
    taskId: task?.spec.taskId ?? null,
    storedEpoch,
  });
  if (task !== null && op?.op === 'submit') {
    withdrawTask(core, task, now);
    occurrenceLost(core, task, now);
  }
  if (task === null || reply === null) return;
  const { taskId } = task.spec;
  if (reply.kind === 'processed') {
    const text = 'another coordinator has taken the task over: drop its result';
    core.sendError(reply.connectionId, new ProtocolError('STALE_LEASE', text, { taskId }));
  } else if (reply.kind !== 'joined' && reply.kind !== 'message') {
    const { requestId } = reply;
    const text = 'another coordinator has changed the task';
    core.sendError(reply.connectionId, new ProtocolError('TASK_FINISHED', text, { taskId, requestId }));
  }
}

interface Duplicate {
  readonly existingId: string;
  readonly entries: CommitEntry[];
}

/** The store knows older tasks of these keys: the new ones have never been, and their clients get the old ones. */
function joinExisting(core: CoreState, duplicates: ReadonlyMap<Task, Duplicate>, now: number): void {
  for (const entry of core.commits.remove(duplicates)) {
    if (entry.task !== null) duplicates.get(entry.task)?.entries.push(entry);
  }
  const acks = new Acknowledgements(core);
  for (const [task, { existingId, entries }] of duplicates) {
    withdrawTask(core, task, now);
    occurrenceStored(core, task);
    for (const { reply } of entries) {
      if (reply?.kind === 'received') acks.received(reply.connectionId, reply.requestId, existingId);
    }
  }
  acks.send();
  for (const [task, { existingId }] of duplicates) {
    for (const { connectionId, requestId } of task.watchers ?? []) {
      watchEnd(core, existingId, connectionId, requestId);
    }
  }
}

/** Tells a client of a task's end, now or when it comes. */
export function watchEnd(core: CoreState, taskId: string, connectionId: string, requestId: number): void {
  const task = core.tasks.get(taskId);
  if (task === undefined) lookUp(core, { wants: 'state', connectionId, requestId, taskId });
  else if (!isFinished(task.phase)) watch(core, task, { connectionId, requestId });
  else if (core.commits.isDurable(task)) sendUpdate(core, connectionId, requestId, task);
  else core.commits.addReply(task, { kind: 'update', connectionId, requestId, when: 'end' });
}

export function sendReceived(core: CoreState, connectionId: string, requestId: number, taskId: string): void {
  core.send(connectionId, {
    type: 'MessageAck',
    status: 'received',
    requestIds: [requestId],
    taskIds: [taskId],
  });
}

/** A request that is about no task took effect. */
export function sendKept(core: CoreState, connectionId: string, requestId: number): void {
  core.send(connectionId, {
    type: 'MessageAck',
    status: 'processed',
    requestIds: [requestId],
    taskIds: [],
  });
}

/**
 * Whether an agent may be told that its answer to the lease of an epoch is stored. It is told by the task alone: if it has
 * had a newer lease on the same task since, it would take the word for one about the answer to that, and drop it although
 * it may be on its way, or not stored. `later`: when all that happened to the task is stored. `never`: it holds a newer
 * lease, and the word about its answer to that covers this one too.
 */
function mayAcknowledge(
  core: CoreState,
  task: Task,
  connectionId: string,
  epoch: number,
): 'now' | 'later' | 'never' {
  if (task.epoch <= epoch) return 'now';
  if (!core.commits.isDurable(task)) return 'later';
  const lease = activeLease(task);
  const role = core.connections.get(connectionId)?.role;
  const isTheirs = role?.kind === 'agent' && role.session.agentId === lease?.agentId;
  return isTheirs ? 'never' : 'now';
}

/** Answers an agent for whose answer nothing is left to store. */
export function acknowledge(core: CoreState, task: Task | undefined, reply: Processed): void {
  const when = task === undefined ? 'now' : mayAcknowledge(core, task, reply.connectionId, reply.epoch);
  if (when === 'now') sendProcessed(core, reply.connectionId, [reply.id]);
  else if (when === 'later' && task !== undefined) core.commits.addReply(task, reply);
}

/** An answer of an agent is stored. */
function settleProcessed(core: CoreState, acks: Acknowledgements, task: Task | null, reply: Processed): void {
  const when = task === null ? 'now' : mayAcknowledge(core, task, reply.connectionId, reply.epoch);
  if (when === 'now') acks.processed(reply.connectionId, null, reply.id);
  else if (when === 'later' && task !== null) core.commits.addReply(task, reply);
}

export function sendProcessed(core: CoreState, connectionId: string, taskIds: string[]): void {
  core.send(connectionId, { type: 'MessageAck', status: 'processed', requestIds: [], taskIds });
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
  agentJoined(core, session, resumed, now);
}
