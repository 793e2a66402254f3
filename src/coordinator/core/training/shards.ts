import { ProtocolError } from '../../../protocol/errors.js';
import type { Lease, MessageOf } from '../../../protocol/messages.js';
import { encodeValue } from '../../../protocol/value.js';
import type { GradientWork } from '../../../tasks/neural-training/gradient-work.js';
import { NEURAL_TRAINING } from '../../../tasks/neural-training/kind.js';
import type { Session } from '../sessions/sessions.js';
import { connectionOf } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { stopOnAgent } from '../tasks/task-flow.js';
import type { Shard, Training } from './trainings.js';

/** Pieces of trainings in the hands of agents: each takes one credit of its agent's, like a task. */

/** Each shard is leased once: what is done again is another shard. */
const FIRST = { attempt: 1, epoch: 1 } as const;
/** Stopping shards are in no limit of a kind: those bound trainings. */
const NO_KIND = '';

export function giveShard(
  core: CoreState,
  training: Training,
  session: Session,
  assignment: number,
  work: GradientWork,
  now: number,
): void {
  const connectionId = connectionOf(session);
  if (connectionId === null) {
    training.lost.push(assignment);
    return;
  }
  const taskId = core.ports.random.taskId(now);
  const { priority, traceparent } = training.task.spec;
  core.trainings.addShard({ taskId, training, assignment, session, givenAt: now });
  core.scheduler.occupy(session.slot);
  core.act({
    type: 'send',
    connectionId,
    lane: 'tasks-normal',
    message: {
      type: 'AgentTask',
      taskId,
      ...FIRST,
      kind: NEURAL_TRAINING,
      priority,
      timeoutMs: Math.max(1, training.lease.deadlineAt - now),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    payload: encodeValue(work),
  });
}

/** The agent has answered: its credit is free. */
export function endShard(core: CoreState, shard: Shard): void {
  core.trainings.removeShard(shard);
  core.scheduler.release(shard.session.slot);
}

/** Nobody needs it any more. */
export function stopShard(
  core: CoreState,
  shard: Shard,
  reason: MessageOf<'CancelTask'>['reason'],
  now: number,
): void {
  endShard(core, shard);
  stopOnAgent(core, shard.session, leaseOf(shard), NO_KIND, reason, now);
}

/** The session has lost its connection, or is over: others are to do what it had. */
export function loseShards(core: CoreState, session: Session): void {
  for (const shard of [...session.shards]) {
    endShard(core, shard);
    shard.training.lost.push(shard.assignment);
  }
}

/** Tells the agent why its gradient is not used. */
export function refuseGradient(core: CoreState, shard: Shard, field: string, reason: string): void {
  const { taskId, session, training } = shard;
  const context = { messageType: 'NeuralGradients', taskId, field };
  const connectionId = connectionOf(session);
  if (connectionId !== null) {
    core.sendError(connectionId, new ProtocolError('GRADIENT_REFUSED', reason, context));
  }
  core.log('warn', 'a gradient is refused', {
    agentId: session.agentId,
    taskId: training.task.spec.taskId,
    field,
    reason,
  });
}

function leaseOf({ taskId }: Shard): Lease {
  return { taskId, ...FIRST };
}
