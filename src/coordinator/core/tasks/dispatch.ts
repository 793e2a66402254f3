import type { StreamPurpose } from '../../../protocol/messages.js';
import { memoriesFor } from '../reasoning/memories.js';
import { trimInput } from './input-reads.js';
import { readAhead } from './read-ahead.js';
import { connectionOf, type Session } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { storeTakesLeases } from '../commits/store-health.js';
import { leaseTask, leaveQueue } from './task-flow.js';
import { hasInput, type Task } from './task.js';
import { beginTraining, isTraining } from '../training/training-flow.js';
import { NEURAL_TRAINING } from '../../../tasks/neural-training/kind.js';

/**
 * Gives ready tasks to agents with credit until one of both is used up, or the input of the task whose turn it is has yet
 * to be read: nothing overtakes it meanwhile. Only when inputs cannot be read do tasks that have theirs go past.
 */
export function dispatch(core: CoreState, now: number): void {
  core.timers.cancel(core.rateTimer);
  if (core.operation.state !== 'running' || core.ready.size === 0 || !storeTakesLeases(core)) return;
  const turn = new Turn(core, now);
  for (;;) {
    const task = core.ready.peek(turn.canTake, now);
    if (task === null) {
      readAhead(core, null);
      break;
    }
    if (isTraining(task)) {
      core.ready.take(task, turn.canTake, now);
      leaveQueue(core, task);
      beginTraining(core, task, now);
      continue;
    }
    if (!hasInput(task)) {
      readAhead(core, task);
      if (!core.inputs.paused) break;
      turn.skip(task.spec.kind);
      continue;
    }
    const slot = core.scheduler.pick(task.spec, task.agentId);
    const session = slot === null ? undefined : core.registry.get(slot.agentId);
    const connectionId = session === undefined ? null : connectionOf(session);
    if (session === undefined || connectionId === null) break;
    core.ready.take(task, turn.canTake, now);
    give(core, task, session, connectionId, now);
  }
  if (turn.waitsUntil !== Infinity) core.timers.set(core.rateTimer, turn.waitsUntil);
}

function give(core: CoreState, task: Task, session: Session, connectionId: string, now: number): void {
  leaveQueue(core, task);
  const { taskId, attempt, epoch } = leaseTask(core, task, session, now);
  const { kind, priority, timeoutMs, traceparent } = task.spec;
  const memories = memoriesFor(core, task, now);
  const plain = { type: 'AgentTask', taskId, attempt, epoch, kind, priority, timeoutMs } as const;
  const message = traceparent === undefined ? plain : { ...plain, traceparent };
  core.act({
    type: 'send',
    connectionId,
    lane: laneOf(priority),
    message: memories === null ? message : { ...message, memories },
    payload: task.input ?? EMPTY,
  });
  trimInput(core, task);
  core.inputs.leasesToGo--;
}

/** Which kinds can be given out in one pass of the dispatch. */
class Turn {
  /** When the first kind that is held up by its rate alone may go on. */
  waitsUntil = Infinity;
  readonly #core: CoreState;
  readonly #now: number;
  #skipped: Set<string> | null = null;

  constructor(core: CoreState, now: number) {
    this.#core = core;
    this.#now = now;
  }

  readonly canTake = (kind: string): boolean => {
    const { scheduler, limits, pausedKinds } = this.#core;
    if (!scheduler.hasCapacity(kind) || this.#skipped?.has(kind) === true) return false;
    if (pausedKinds.size > 0 && pausedKinds.has(kind)) return false;
    if (kind === NEURAL_TRAINING && !this.#core.trainings.hasRoom) return false;
    if (limits.size === 0) return true;
    const startableAt = limits.startableAt(kind);
    if (startableAt <= this.#now) return true;
    this.waitsUntil = Math.min(this.waitsUntil, startableAt);
    return false;
  };

  skip(kind: string): void {
    this.#skipped ??= new Set();
    this.#skipped.add(kind);
  }
}

const EMPTY = new Uint8Array(0);

function laneOf(priority: number): StreamPurpose {
  if (priority >= 8) return 'tasks-high';
  return priority >= 3 ? 'tasks-normal' : 'tasks-low';
}
