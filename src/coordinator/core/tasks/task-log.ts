import type { CoreState } from '../state.js';
import type { TaskEventName } from '../event-feed.js';
import type { Task } from './task.js';

/** One line for each change of a task, for `debug`. */
export function logTask(core: CoreState, event: TaskEventName, task: Task): void {
  const { phase, attempts, agentId, spec } = task;
  const durationMs = 'runMs' in phase ? phase.runMs : null;
  core.log('debug', event.replace('-', ' '), {
    taskId: spec.taskId,
    kind: spec.kind,
    ...(attempts === 0 ? {} : { attempt: attempts }),
    ...(agentId === null ? {} : { agentId }),
    ...(durationMs === null ? {} : { durationMs }),
    ...('error' in phase ? { error: phase.error.name, reason: phase.error.message } : {}),
  });
}
