import type { CoreState } from '../state.js';
import { armLearning, snapshotDue, tellBank } from './carry-out.js';
import { opOf, snapshotOp } from './records.js';
import { countTallies } from './results.js';

/** What the learning timer was set for. */
export function learningIsDue(core: CoreState, now: number): void {
  const { learning } = core;
  if (learning.tallies.size > 0 && learning.countAt <= now) countTallies(core, now);
  const deadline = learning.bank.nextDeadline();
  if (deadline !== null && deadline <= now) tellBank(core, { type: 'tick' }, now);
  if (learning.changed && snapshotDue(core) <= now) writeSnapshot(core, now);
  armLearning(core, now);
}

/** Writes what a restart would not find; nothing when there is nothing new. */
export function saveLearning(core: CoreState, now: number): void {
  countTallies(core, now);
  if (core.learning.changed) writeSnapshot(core, now);
}

/** Adds what the bank knows to the next commit: after a restart it goes on from there. */
function writeSnapshot(core: CoreState, now: number): void {
  const { learning } = core;
  countTallies(core, now);
  for (const [memoryId, item] of learning.used) {
    core.commits.add(opOf({ type: 'memory', memoryId, item }), null, null);
  }
  core.commits.add(snapshotOp(learning.bank.snapshot(now)), null, null);
  learning.used.clear();
  learning.changed = false;
  learning.experiences = 0;
  learning.snapshotAt = now;
  armLearning(core, now);
}
