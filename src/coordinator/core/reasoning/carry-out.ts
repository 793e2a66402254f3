import type { BankAction, BankEvent } from '../../../reasoning/contract.js';
import { connectionOf } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import { askJudge } from './judges.js';
import { opOf } from './records.js';

/** How often small results are counted. */
export const COUNT_EVERY_MS = 500;
/** A snapshot is written this often while anything changes, and as often as the second says while much does. */
const SNAPSHOT_EVERY_MS = 600_000;
const SNAPSHOT_AT_LEAST_MS = 60_000;
const MANY_EXPERIENCES = 5_000;

/** Tells the bank what happened, and does what it says. */
export function tellBank(core: CoreState, event: BankEvent, now: number): void {
  const { learning } = core;
  const { bank } = learning;
  const available = learning.judges.size > 0;
  if (available !== learning.judgeAvailable) {
    learning.judgeAvailable = available;
    for (const action of bank.handle({ type: 'judgeAvailable', available }, now)) carryOut(core, action);
  }
  const actions = bank.handle(event, now);
  for (const action of actions) carryOut(core, action);
  if (actions.length > 0 || (event.type !== 'agentJoined' && event.type !== 'tick')) learning.changed = true;
  armLearning(core, now);
}

/** Sets the timer to what is due first. */
export function armLearning(core: CoreState, now: number): void {
  const { learning } = core;
  let due = learning.bank.nextDeadline() ?? Infinity;
  if (learning.tallies.size > 0) due = Math.min(due, learning.countAt);
  if (learning.changed) due = Math.min(due, snapshotDue(core));
  if (due === Infinity) core.timers.cancel(learning.timer);
  else core.timers.set(learning.timer, Math.max(due, now + 1));
}

export function snapshotDue({ learning: { snapshotAt, experiences } }: CoreState): number {
  return snapshotAt + (experiences < MANY_EXPERIENCES ? SNAPSHOT_EVERY_MS : SNAPSHOT_AT_LEAST_MS);
}

function carryOut(core: CoreState, action: BankAction): void {
  switch (action.type) {
    case 'store':
      if (action.record.type === 'experience') core.learning.experiences++;
      // what was to be written of it is older
      else if (action.record.type === 'memory') core.learning.used.delete(action.record.memoryId);
      core.commits.add(opOf(action.record), null, null);
      return;
    case 'judge':
      askJudge(core, action);
      return;
    case 'adapt': {
      const session = core.registry.get(action.agentId);
      const connectionId = session === undefined ? null : connectionOf(session);
      if (connectionId === null) return;
      // after what the bank had stored of it; one that is lost on the way is sent again
      const message = { type: 'AdaptationCommand', ...action.command } as const;
      core.commits.say({ kind: 'message', connectionId, message });
      return;
    }
    case 'adapted': {
      const { agentId, kind, end, before, after, outcomes } = action.report;
      core.log('info', 'adaptation ended', { agentId, kind, end, before, after, outcomes });
      return;
    }
    // verdicts stand in the reports; outcomes that match nothing are refused before they come here
    case 'verdict':
    case 'outcomeUnmatched':
    case 'distil':
      return;
  }
}
