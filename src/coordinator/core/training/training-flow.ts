import { decodeValue, encodeValue } from '../../../protocol/value.js';
import type { ErrorDetail } from '../../../protocol/messages.js';
import type { LeaseRecord } from '../../../store/records.js';
import { type Checkpoint, parseCheckpoint } from '../../../tasks/neural-training/checkpoint.js';
import { type NeuralTrainingInput, parseNeuralTrainingInput } from '../../../tasks/neural-training/input.js';
import { NEURAL_TRAINING } from '../../../tasks/neural-training/kind.js';
import { Trainer, type TrainerAction } from '../../../tasks/neural-training/trainer.js';
import type { CoreState } from '../state.js';
import { completeOwn, failOwn, leaseToSelf } from '../tasks/task-flow.js';
import { activeLease, isFinished, type Task } from '../tasks/task.js';
import { giveShard, refuseGradient, stopShard } from './shards.js';
import { TRAINER_ID, type Shard, type Training } from './trainings.js';

/**
 * Trainings from their lease to their end. The coordinator holds the lease itself; what agents get are shards. A training
 * whose lease has ended by a cancellation or its deadline is wound up at the next flush: nothing else has to know of it.
 */

/** Agents looked at for one round of shards. */
const MAX_OFFERS = 256;

/** Whether the coordinator does a task itself. */
export function isTraining(task: Task): boolean {
  return task.spec.kind === NEURAL_TRAINING;
}

/** Takes a ready training; the caller has taken it out of the queue. */
export function beginTraining(core: CoreState, task: Task, now: number): void {
  // read before the lease: a first attempt has no checkpoint, and its input may not be stored yet
  const { input } = task;
  const lease = leaseToSelf(core, task, TRAINER_ID, now);
  const training = takeUp(core, task, lease, input);
  if (input !== null && lease.attempt === 1) start(core, training, input, null, now);
  else readTraining(core, training);
}

/** Takes up a training found in the store with its lease: it goes on, as a lease of an agent's does that comes back. */
export function resumeTraining(core: CoreState, task: Task, lease: LeaseRecord): void {
  core.limits.hold(task.spec.kind);
  core.deadlines.set(task, lease.deadlineAt);
  readTraining(core, takeUp(core, task, lease, null));
}

/** The store's answer to `readTraining`. */
export function trainingRead(
  core: CoreState,
  taskId: string,
  found: { readonly input: Uint8Array | null; readonly checkpoint: Uint8Array | null } | null,
  now: number,
): void {
  const training = core.trainings.get(taskId);
  if (training?.phase.state !== 'reading' || !isCurrent(core, training)) return;
  if (found === null) {
    training.phase = { ...training.phase, retryAt: now + core.options.storeRetryMs };
    return;
  }
  const input = training.phase.input ?? found.input;
  if (input !== null) {
    start(core, training, input, found.checkpoint, now);
    return;
  }
  const message = `the store has no input of task '${taskId}' any more: submit it again`;
  fail(core, training, { name: 'INPUT_LOST', message, retryable: false }, now);
}

/** At the end of a turn: ends what is over, and gives out what can be. */
export function runTrainings(core: CoreState, now: number): void {
  const { trainings } = core;
  core.timers.cancel(trainings.timer);
  for (const training of trainings.values()) {
    if (!isCurrent(core, training)) windUp(core, training, now);
    else if (training.phase.state === 'training') tellLost(core, training, training.phase.trainer, now);
    else if (training.phase.retryAt !== null && training.phase.retryAt <= now) readTraining(core, training);
  }
  if (core.operation.state !== 'drained') while (giveRound(core, now));
  let next = Infinity;
  for (const { phase } of trainings.values()) {
    const at = phase.state === 'training' ? phase.trainer.nextChange(now) : phase.retryAt;
    next = Math.min(next, at ?? Infinity);
  }
  if (next !== Infinity) core.timers.set(trainings.timer, next);
}

/** Does what a trainer wants. `answered`: the shard that the actions are about, whose agent has answered. */
export function carryOut(
  core: CoreState,
  training: Training,
  actions: readonly TrainerAction[],
  answered: Shard | null,
  now: number,
): void {
  const { task } = training;
  const { taskId } = task.spec;
  for (const action of actions) {
    switch (action.type) {
      case 'dispatch': {
        const session = core.registry.get(action.agentId);
        if (session === undefined) training.lost.push(action.assignment);
        else giveShard(core, training, session, action.assignment, action.work, now);
        break;
      }
      case 'withdraw': {
        const shard = training.shards.get(action.assignment);
        if (shard !== undefined) stopShard(core, shard, 'superseded', now);
        break;
      }
      case 'refuse':
        if (answered !== null) refuseGradient(core, answered, action.field, action.reason);
        break;
      case 'progress':
        core.tasks.apply(task, { type: 'progress', at: now, fraction: action.fraction });
        break;
      case 'epoch':
        core.log('debug', 'an epoch is trained', { taskId, epoch: action.epoch, loss: action.loss });
        break;
      case 'checkpoint':
        // while the store is down they would pile up; the next one comes soon
        if (core.storeIsDown) break;
        core.commits.add(
          {
            op: 'put-entry',
            entry: { collection: 'checkpoint', key: taskId, value: encodeValue(action.checkpoint) },
          },
          null,
          null,
        );
        break;
      case 'finished': {
        const runMs = now - training.lease.leasedAt;
        completeOwn(core, task, { runMs, result: encodeValue(action.result) }, now);
        windUp(core, training, now);
        return;
      }
      case 'gave-up':
        fail(core, training, action.error, now);
        return;
    }
  }
}

function takeUp(core: CoreState, task: Task, lease: LeaseRecord, input: Uint8Array | null): Training {
  const phase = { state: 'reading', input, retryAt: null } as const;
  const training: Training = { task, lease, phase, shards: new Map(), lost: [] };
  core.trainings.add(training);
  return training;
}

function readTraining(core: CoreState, training: Training): void {
  if (training.phase.state !== 'reading') return;
  training.phase = { ...training.phase, retryAt: null };
  core.act({ type: 'readTraining', taskId: training.task.spec.taskId });
}

function start(
  core: CoreState,
  training: Training,
  inputBytes: Uint8Array,
  checkpointBytes: Uint8Array | null,
  now: number,
): void {
  const { taskId } = training.task.spec;
  let input: NeuralTrainingInput;
  try {
    input = parseNeuralTrainingInput(decodeValue(inputBytes));
  } catch (error) {
    fail(core, training, { name: 'BAD_INPUT', message: messageOf(error), retryable: false }, now);
    return;
  }
  const checkpoint = checkpointBytes === null ? null : readCheckpoint(core, taskId, input, checkpointBytes);
  const trainer = new Trainer(taskId, input, checkpoint);
  training.phase = { state: 'training', trainer };
  if (checkpoint !== null) {
    const { version, epoch } = checkpoint;
    core.log('info', 'a training goes on from its checkpoint', { taskId, version, epoch });
  }
  carryOut(core, training, trainer.handle({ type: 'start' }, now), null, now);
}

/** A checkpoint that cannot be used costs time, not the training. */
function readCheckpoint(
  core: CoreState,
  taskId: string,
  input: NeuralTrainingInput,
  bytes: Uint8Array,
): Checkpoint | null {
  try {
    return parseCheckpoint(decodeValue(bytes), input);
  } catch (error) {
    const reason = messageOf(error);
    core.log('error', 'a checkpoint is not usable: the training starts anew', { taskId, reason });
    return null;
  }
}

function tellLost(core: CoreState, training: Training, trainer: Trainer, now: number): void {
  for (const assignment of training.lost.splice(0)) {
    carryOut(core, training, trainer.handle({ type: 'lost', assignment }, now), null, now);
  }
}

/** One offer to each agent with credit, for each training. True when something was given out. */
function giveRound(core: CoreState, now: number): boolean {
  let given = false;
  for (const training of core.trainings.values()) {
    if (training.phase.state !== 'training') continue;
    const { trainer } = training.phase;
    if (!trainer.wantsAgents(now)) continue;
    for (const { agentId } of core.scheduler.withCredit(NEURAL_TRAINING, MAX_OFFERS)) {
      const before = training.shards.size;
      carryOut(core, training, trainer.handle({ type: 'offer', agentId }, now), null, now);
      if (training.shards.size > before) given = true;
      if (!trainer.wantsAgents(now)) break;
    }
  }
  return given;
}

function fail(core: CoreState, training: Training, error: ErrorDetail, now: number): void {
  failOwn(core, training.task, { runMs: now - training.lease.leasedAt, error }, now);
  windUp(core, training, now);
}

/** The task still has the lease that the training works under. */
function isCurrent(core: CoreState, { task, lease }: Training): boolean {
  return core.tasks.get(lease.taskId) === task && activeLease(task)?.epoch === lease.epoch;
}

/** Ends the work of a training whose lease is over. Its checkpoint stays only for another attempt. */
function windUp(core: CoreState, training: Training, now: number): void {
  const { task } = training;
  const { taskId, kind } = task.spec;
  const cancelled = task.phase.state === 'cancelled';
  for (const shard of [...training.shards.values()]) {
    stopShard(core, shard, cancelled ? 'cancelled' : 'superseded', now);
  }
  core.trainings.remove(training);
  core.limits.end(kind);
  if (!isFinished(task.phase) && core.tasks.get(taskId) === task) return;
  core.commits.add({ op: 'drop-entry', collection: 'checkpoint', key: taskId }, null, null);
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1024);
}
