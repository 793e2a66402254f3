import type { MessageOf } from '../../../protocol/messages.js';
import type { LeaseRecord } from '../../../store/records.js';
import type { Session } from '../sessions/sessions.js';
import type { CoreState } from '../state.js';
import type { Task } from '../tasks/task.js';
import { armLearning, COUNT_EVERY_MS, tellBank } from './carry-out.js';
import { keepPattern } from './patterns.js';
import { Tally } from './tally.js';

/** What is learned when an attempt ends. */

type Result =
  MessageOf<'TaskCompletion'> | MessageOf<'PatternMatchResult'> | MessageOf<'StrategyCorrelation'>;

/** A result came: a forecast waits for its outcome, all others are counted. */
export function learnFromResult(
  core: CoreState,
  task: Task,
  session: Session,
  message: Result,
  now: number,
): void {
  const { taskId, kind } = task.spec;
  const startedAt = task.leasedAt ?? now;
  const latencyMs = Math.max(0, now - startedAt);
  if (message.type === 'PatternMatchResult') keepPattern(core, task, session, message, now);
  if (message.type !== 'PatternMatchResult' || message.expectedOutcome === null) {
    countResult(core, session, kind, latencyMs, now);
    return;
  }
  const { confidence, expectedOutcome: expected } = message;
  const { agentId } = session;
  const facts = { taskId, agentId, kind, context: task.context ?? {}, startedAt };
  tellBank(core, { type: 'taskCompleted', ...facts, latencyMs, confidence, awaits: { expected } }, now);
}

/** A result that tells nothing but that it came, of a task or of a part of one. */
export function countResult(
  core: CoreState,
  session: Session,
  kind: string,
  latencyMs: number,
  now: number,
): void {
  tallyOf(core, session, kind, now).deliver(latencyMs);
}

/** An attempt failed or ran out of time. `session`: that of its agent, if it is still there. */
export function learnFromFailure(
  core: CoreState,
  task: Task,
  lease: LeaseRecord,
  session: Session | undefined,
  error: string,
  now: number,
): void {
  const { taskId, kind } = task.spec;
  if (session !== undefined && !tallyOf(core, session, kind, now).fail()) return;
  const { agentId, attempt, leasedAt: startedAt } = lease;
  const facts = { taskId, agentId, kind, context: task.context ?? {}, startedAt };
  tellBank(core, { type: 'taskFailed', ...facts, attempt, error }, now);
}

/** Hands what was counted to the bank. */
export function countTallies(core: CoreState, now: number): void {
  const { learning } = core;
  const tallies = [...learning.tallies];
  learning.tallies.clear();
  for (const tally of tallies) {
    const counted = tally.take();
    if (counted === null) continue;
    const { agentId, kind } = tally;
    tellBank(core, { type: 'resultsCounted', agentId, kind, ...counted }, now);
  }
}

function tallyOf(core: CoreState, session: Session, kind: string, now: number): Tally {
  const { learning } = core;
  let tally = session.tallies.get(kind);
  if (tally === undefined) {
    tally = new Tally(session.agentId, kind);
    session.tallies.set(kind, tally);
  }
  if (learning.tallies.has(tally)) return tally;
  learning.tallies.add(tally);
  if (learning.tallies.size > 1) return tally;
  learning.countAt = now + COUNT_EVERY_MS;
  armLearning(core, now);
  return tally;
}
