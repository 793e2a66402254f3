import type { RecoveredTask } from '../../../store/records.js';
import type { CoreState } from '../state.js';
import { activate, loseLease, resumeLease, taskIsDue } from './task-flow.js';
import { activeLease, recoverTask } from './task.js';
import { isTraining, resumeTraining } from '../training/training-flow.js';
import { TRAINER_ID } from '../training/trainings.js';

/** Takes up unfinished tasks from the store. Two microseconds each: there may be a million. */
export function recoverTasks(core: CoreState, records: readonly RecoveredTask[], now: number): void {
  for (const record of records) {
    const task = recoverTask(record, core.oneNameOf(record.spec.kind));
    core.tasks.add(task);
    const { phase } = task;
    const lease = activeLease(task);
    if (lease === null) {
      // what is due goes to the queue without a way through the heap
      if ('notBefore' in phase && phase.notBefore <= now) taskIsDue(core, task, now);
      else activate(core, task);
      continue;
    }
    if (isTraining(task) && lease.agentId === TRAINER_ID) {
      resumeTraining(core, task, lease);
      continue;
    }
    const session = core.registry.get(lease.agentId);
    if (session !== undefined) resumeLease(core, task, session, lease);
    else loseLease(core, task, null, `agent '${lease.agentId}' has no session any more`, null, now);
  }
}
