import type { MessageOf } from '../../../protocol/messages.js';
import type { TrainerEvent } from '../../../tasks/neural-training/trainer.js';
import type { Connection } from '../sessions/connections.js';
import type { Session } from '../sessions/sessions.js';
import { countResult } from '../reasoning/results.js';
import { sawProgress } from '../sessions/stalls.js';
import type { CoreState } from '../state.js';
import { sendProcessed } from '../tasks/settlement.js';
import { endShard, refuseGradient } from './shards.js';
import { carryOut } from './training-flow.js';
import type { Shard } from './trainings.js';

type Answer = MessageOf<'TaskCompletion' | 'PatternMatchResult' | 'StrategyCorrelation' | 'NeuralGradients'>;

const EMPTY = new Uint8Array(0);

/** An agent's answer about a shard that it has. False when it has no such shard. */
export function shardAnswered(
  core: CoreState,
  connection: Connection,
  session: Session,
  message: Answer,
  payload: Uint8Array | undefined,
  now: number,
): boolean {
  const shard = core.trainings.shard(message.taskId);
  if (shard === undefined || shard.session !== session || message.epoch !== 1) return false;
  const { training, assignment } = shard;
  sawProgress(core, session, now);
  endShard(core, shard);
  const event = eventOf(core, shard, message, payload);
  if (message.type === 'NeuralGradients') {
    session.completed++;
    countResult(core, session, training.task.spec.kind, now - shard.givenAt, now);
  } else if (event.type === 'failed') session.failed++;
  if (training.phase.state !== 'training') return true;
  const actions = training.phase.trainer.handle(event, now);
  const refused = actions.some((action) => action.type === 'refuse' && action.assignment === assignment);
  // a refusal settles it as well
  if (!refused) sendProcessed(core, connection.id, [message.taskId]);
  carryOut(core, training, actions, shard, now);
  return true;
}

function eventOf(
  core: CoreState,
  shard: Shard,
  message: Answer,
  payload: Uint8Array | undefined,
): TrainerEvent {
  const { assignment } = shard;
  if (message.type === 'NeuralGradients') {
    const { modelVersion, batchSize, loss, encoding } = message;
    const gradients = payload ?? EMPTY;
    return {
      type: 'gradient',
      assignment,
      result: { modelVersion, batchSize, loss, encoding, gradients },
    };
  }
  if (message.type === 'TaskCompletion' && message.outcome === 'cancelled')
    return { type: 'lost', assignment };
  if (message.type === 'TaskCompletion' && message.outcome === 'failed') {
    const { error } = message;
    const unknown = { name: 'FAILED', message: 'the agent gave no reason', retryable: true };
    return { type: 'failed', assignment, error: error ?? unknown };
  }
  const reason = `answered with ${message.type}, not with NeuralGradients`;
  refuseGradient(core, shard, '/type', reason);
  return {
    type: 'failed',
    assignment,
    error: { name: 'GRADIENT_REFUSED', message: reason, retryable: true },
  };
}
