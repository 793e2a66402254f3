import { ProtocolError } from '../../../protocol/errors.js';
import type { ErrorDetail, Lease, Message, MessageOf } from '../../../protocol/messages.js';
import { adaptationAnswered, experienceReported, verdictReceived } from '../reasoning/agents.js';
import { learnFromFailure, learnFromResult } from '../reasoning/results.js';
import { refuse, refuseUnexpected } from './connection-lifecycle.js';
import type { Connection } from './connections.js';
import { confirmToken, drainSession } from './session-lifecycle.js';
import { leaseKey, type Session } from './sessions.js';
import { acknowledge, sendProcessed } from '../tasks/settlement.js';
import { sawProgress } from './stalls.js';
import type { CoreState } from '../state.js';
import {
  completeTask,
  failAttempt,
  leasedTask,
  loseLease,
  processed,
  stopAnswered,
} from '../tasks/task-flow.js';
import { activeLease, isFinished, type Task } from '../tasks/task.js';
import { shardAnswered } from '../training/shard-answers.js';

const EMPTY = new Uint8Array(0);
const NO_REASON: ErrorDetail = { name: 'FAILED', message: 'the agent gave no reason', retryable: false };

/** What an agent says after its handshake. */
export function handleAgentMessage(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: Message,
  payload: Uint8Array | undefined,
  now: number,
): void {
  // it has spoken on this connection, so it has its new token
  confirmToken(core, session);
  switch (message.type) {
    case 'TaskCompletion':
    case 'PatternMatchResult':
    case 'StrategyCorrelation':
      handleResult(core, connection, session, message, payload, now);
      return;
    case 'TaskProgress': {
      const task = leasedTask(core, session, message.taskId);
      if (task === undefined || activeLease(task)?.epoch !== message.epoch) return;
      sawProgress(core, session, now);
      core.tasks.apply(task, { type: 'progress', at: now, fraction: message.fraction });
      return;
    }
    case 'HeartbeatMessage':
      session.memoryBytes = message.memoryBytes;
      core.scheduler.setLoad(session.slot, message.load);
      if (message.concurrency !== undefined) core.scheduler.setCredit(session.slot, message.concurrency);
      return;
    case 'ReasoningExperience':
      experienceReported(core, connection, session, message, now);
      return;
    case 'ReasoningVerdict':
      verdictReceived(core, connection, session, message, now);
      return;
    case 'AdaptationAck':
      adaptationAnswered(core, session, message, now);
      return;
    case 'DrainNotice':
      drainSession(core, session, message.reason);
      return;
    case 'NeuralGradients':
      if (shardAnswered(core, connection, session, message, payload, now)) return;
      if (leasedTask(core, session, message.taskId) !== undefined) {
        const text = 'gradients do not end the lease of this task';
        const context = { messageType: message.type, taskId: message.taskId };
        refuse(core, connection, new ProtocolError('UNEXPECTED_MESSAGE', text, context), now);
        return;
      }
      answerLateResult(core, connection, session, message);
      return;
    case 'ErrorReport':
      core.log('warn', 'agent reports an error', {
        agentId: session.agentId,
        error: message.name,
        reason: message.message,
        taskId: message.taskId ?? null,
      });
      return;
    case 'MessageAck':
      return;
    default:
      refuseUnexpected(core, connection, message, 'an agent', now);
  }
}

type Result =
  MessageOf<'TaskCompletion'> | MessageOf<'PatternMatchResult'> | MessageOf<'StrategyCorrelation'>;

function handleResult(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: Result,
  payload: Uint8Array | undefined,
  now: number,
): void {
  const task = leasedTask(core, session, message.taskId);
  if (task === undefined && shardAnswered(core, connection, session, message, payload, now)) return;
  if (task === undefined || !isActive(task, message)) {
    answerLateResult(core, connection, session, message);
    return;
  }
  sawProgress(core, session, now);
  const reply = processed(session, message.taskId, message.epoch);
  const { runMs } = message;
  if (message.type !== 'TaskCompletion' || message.outcome === 'completed') {
    const result = payload ?? EMPTY;
    completeTask(core, task, session, { type: 'complete', at: now, runMs, result }, reply);
    learnFromResult(core, task, session, message, now);
  } else if (message.outcome === 'failed') {
    const { error = NO_REASON } = message;
    const lease = activeLease(task);
    failAttempt(core, task, session, { runMs, error }, reply, now);
    if (lease !== null) learnFromFailure(core, task, lease, session, error.name, now);
  } else {
    loseLease(core, task, session, `agent '${session.agentId}' gave it back`, reply, now);
  }
}

function isActive(task: Task, lease: Lease): boolean {
  const active = activeLease(task);
  return active !== null && active.epoch === lease.epoch && active.attempt === lease.attempt;
}

/** A result whose lease is over: told apart, because the agent keeps it until it gets an answer. */
function answerLateResult(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: Result | MessageOf<'NeuralGradients'>,
): void {
  const wasStopping = stopAnswered(core, session, leaseKey(message));
  const isStopped = message.type === 'TaskCompletion' && message.outcome === 'cancelled';
  const { taskId, epoch, type: messageType } = message;
  const task = core.tasks.get(taskId);
  // gradients that crossed the word to stop: somebody else was faster
  if (wasStopping && (isStopped || message.type === 'NeuralGradients')) {
    acknowledge(core, task, processed(session, taskId, epoch));
    return;
  }
  const context = { messageType, taskId };
  if (task === undefined) {
    core.counters.staleResults++;
    core.sendError(
      connection.id,
      new ProtocolError('UNKNOWN_TASK', `no task '${taskId}': drop its result`, context),
    );
    return;
  }
  const { phase } = task;
  if (isEndedBy(task, session, epoch)) {
    // the same result again: its acknowledgement was lost, or is not due yet
    if (core.commits.isDurable(task)) sendProcessed(core, connection.id, [taskId]);
    else core.commits.addReply(task, processed(session, taskId, epoch));
    return;
  }
  core.counters.staleResults++;
  const error = isFinished(phase)
    ? new ProtocolError('TASK_FINISHED', `the task is ${phase.state} already: drop this result`, context)
    : new ProtocolError('STALE_LEASE', `the lease of epoch ${epoch} is over: drop its result`, context);
  core.sendError(connection.id, error);
}

function isEndedBy({ phase }: Task, session: Session, epoch: number): boolean {
  if (!isFinished(phase) || phase.state === 'cancelled') return false;
  return phase.lease?.epoch === epoch && phase.lease.agentId === session.agentId;
}
