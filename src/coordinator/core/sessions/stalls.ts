import type { Session } from './sessions.js';
import type { CoreState } from '../state.js';

/**
 * Agents that are connected and do nothing: they hold leases, or have credit while tasks of their kinds wait, and for
 * `stallMs` they end none and report no progress. Said once, until they end something. Looked at by one timer for each
 * agent, not for each task.
 */

/** Looks in each `stallMs`. What waits for an agent at all of them is not just passing through. */
const LOOKS = 4;

export function watchStall(core: CoreState, session: Session, now: number): void {
  core.timers.set(session.stallTimer, now + core.options.stallMs / LOOKS);
}

/** The agent ended a lease or reported progress. */
export function sawProgress(core: CoreState, session: Session, now: number): void {
  session.lastEndedAt = now;
  if (session.stalledSince === null) return;
  core.log('info', 'agent ends tasks again', {
    agentId: session.agentId,
    durationMs: Math.round(now - session.stalledSince),
  });
  session.stalledSince = null;
}

export function stallIsDue(core: CoreState, session: Session, now: number): void {
  watchStall(core, session, now);
  const idle = idleSince(core, session, now);
  if (idle === null) return;
  const since = Math.max(idle, session.lastEndedAt, core.onTimeSince);
  if (session.stalledSince !== null || now - since < core.options.stallMs) return;
  session.stalledSince = since;
  core.counters.agentsStalled++;
  core.log('warn', 'agent stalls: it is connected and ends nothing', {
    agentId: session.agentId,
    leases: session.leases.size,
    since: new Date(since).toISOString(),
    durationMs: Math.round(now - since),
  });
}

/** Since when it has had something to do; null when it has not. */
function idleSince(core: CoreState, session: Session, now: number): number | null {
  const { slot, leases } = session;
  if (leases.first !== null) {
    session.unusedSince = null;
    return leases.first.leasedAt ?? now;
  }
  const usable = slot.available && slot.used < slot.credit;
  if (usable && tasksWait(core, session, now)) session.unusedSince ??= now;
  else session.unusedSince = null;
  return session.unusedSince;
}

/** Tasks that the agent takes wait, and nothing but an agent is missing. */
function tasksWait(core: CoreState, session: Session, now: number): boolean {
  if (core.operation.state !== 'running' || core.storeIsDown || core.ready.size === 0) return false;
  const waiting = core.ready.countByKind();
  return session.identity.kinds.some(
    (kind) => waiting.has(kind) && !core.pausedKinds.has(kind) && core.limits.startableAt(kind) <= now,
  );
}
