import { closeConnection } from './connections.js';
import { disconnectSession, endSession, waitForAgent, watchSilence } from './session-lifecycle.js';
import { connectionOf, GIVE_UP_INTERVALS, SUSPECT_INTERVALS, type Session } from './sessions.js';
import { logBounded } from '../bounded-log.js';
import type { CoreState } from '../state.js';

/**
 * Who is alive. Messages that do not come make an agent suspect; only packets that do not come end its connection; only
 * the end of the grace after that takes its leases. Silence is judged by timers, with no work for a packet.
 */

/** A timer this many heartbeat intervals late shows that the core itself was stopped or overloaded. */
const LATE_INTERVALS = 0.5;

/**
 * To be called before each event. Where the core was held up, what others said meanwhile may still wait to be read: silence
 * counts from now on, and a grace starts anew.
 */
export function keepTime(core: CoreState, now: number): void {
  const due = core.timers.next();
  if (due === null || now - due <= LATE_INTERVALS * core.options.heartbeatIntervalMs) return;
  core.onTimeSince = now;
  const fields = { durationMs: Math.round(now - due) };
  logBounded(core, 'held up', { level: 'warn', msg: 'the coordinator was held up', fields }, now);
}

/** When something last came from the agent, be it only a packet. */
export function lastArrival(core: CoreState, session: Session): number {
  const connectionId = connectionOf(session);
  const packetAt = connectionId === null ? null : core.ports.heardAt(connectionId);
  if (packetAt !== null) session.lastPacketAt = Math.max(session.lastPacketAt, packetAt);
  return Math.max(session.lastHeardAt, session.lastPacketAt);
}

/** Until when nothing speaks against the session being alive: it was heard, or the core could not listen. */
export function aliveSince(core: CoreState, session: Session): number {
  return Math.max(lastArrival(core, session), core.onTimeSince);
}

/** The session's timer has run out: silence is to be judged, or the grace is over. */
export function sessionIsDue(core: CoreState, session: Session, now: number): void {
  if (session.phase.state === 'disconnected') {
    graceIsOver(core, session, now);
    return;
  }
  const interval = core.options.heartbeatIntervalMs;
  const silentMs = now - aliveSince(core, session);
  if (silentMs >= GIVE_UP_INTERVALS * interval) {
    const reason = `nothing heard for ${Math.round(silentMs)} ms`;
    core.counters.agentsGivenUp++;
    closeConnection(core, session.phase.connectionId, 'HEARTBEAT_TIMEOUT', reason);
    disconnectSession(core, session, reason, now);
    return;
  }
  const withoutMessageMs = now - Math.max(session.lastHeardAt, core.onTimeSince);
  if (withoutMessageMs >= SUSPECT_INTERVALS * interval && session.phase.state === 'connected') {
    session.phase = { state: 'suspect', connectionId: session.phase.connectionId };
    core.scheduler.setAvailable(session.slot, false);
    core.counters.agentsSuspected++;
    core.feed.agent('agent-suspect', session, now, `no message for ${Math.round(withoutMessageMs)} ms`);
    core.log('warn', 'agent is silent', {
      agentId: session.agentId,
      durationMs: Math.round(withoutMessageMs),
      packets: silentMs < withoutMessageMs,
      leases: session.leases.size,
    });
  }
  watchSilence(core, session);
}

function graceIsOver(core: CoreState, session: Session, now: number): void {
  const { sessionGraceMs } = core.options;
  const graceUntil = core.onTimeSince + sessionGraceMs;
  if (graceUntil > now) {
    waitForAgent(core, session, graceUntil);
    return;
  }
  endSession(core, session, `agent '${session.agentId}' did not come back within ${sessionGraceMs} ms`, now);
}
