import type { StreamPurpose } from '../protocol/messages.js';
import { connectionOf } from './sessions.js';
import type { CoreState } from './state.js';
import { leaseTask } from './task-flow.js';

/** Gives ready tasks to agents with credit until one of both is used up. */
export function dispatch(core: CoreState, now: number): void {
  if (core.operation.state !== 'running' || core.storeIsDown || core.ready.size === 0) return;
  const canTake = (kind: string) => core.scheduler.hasCapacity(kind);
  for (;;) {
    const task = core.ready.next(canTake, now);
    if (task === null) return;
    const slot = core.scheduler.pick(task.spec);
    const session = slot === null ? undefined : core.registry.get(slot.agentId);
    const connectionId = session === undefined ? null : connectionOf(session);
    if (session === undefined || connectionId === null) {
      core.ready.add(task, true);
      return;
    }
    const { taskId, attempt, epoch } = leaseTask(core, task, session, now);
    const { kind, priority, timeoutMs } = task.spec;
    core.act({
      type: 'send',
      connectionId,
      lane: laneOf(priority),
      message: { type: 'AgentTask', taskId, attempt, epoch, kind, priority, timeoutMs },
      payload: task.input ?? EMPTY,
    });
  }
}

const EMPTY = new Uint8Array(0);

function laneOf(priority: number): StreamPurpose {
  if (priority >= 8) return 'tasks-high';
  return priority >= 3 ? 'tasks-normal' : 'tasks-low';
}
