import type { SessionRecord } from '../store/records.js';
import { closeConnection } from './connections.js';
import {
  connectionOf,
  GIVE_UP_INTERVALS,
  Session,
  SUSPECT_INTERVALS,
  type SessionIdentity,
  type SessionPhase,
} from './sessions.js';
import type { CoreState } from './state.js';
import { loseLease, stopAnswered } from './task-flow.js';

/** Sessions after their handshake: heartbeats, silence, loss of the connection, grace and end. */

export function startSession(
  core: CoreState,
  identity: SessionIdentity,
  credit: number,
  phase: SessionPhase,
  now: number,
): Session {
  const slot = core.scheduler.add(identity.agentId, identity.kinds, credit);
  const session = new Session(identity, phase, slot, now, now);
  core.registry.add(session);
  return session;
}

/** A session from the store: its agent may resume it within the grace. */
export function recoverSession(core: CoreState, record: SessionRecord, now: number): Session {
  const { agentId, agentType, kinds, certificate, tokenHash, previousTokenHash, startedAt } = record;
  const slot = core.scheduler.add(agentId, kinds, record.concurrency);
  const identity = { agentId, agentType, kinds, address: 'none', certificate, tokenHash, previousTokenHash };
  const graceUntil = now + core.options.sessionGraceMs;
  const session = new Session(identity, { state: 'disconnected', graceUntil }, slot, startedAt, now);
  core.registry.add(session);
  core.timers.set(session.timer, graceUntil);
  return session;
}

/** The session is stored and AgentAck is on its way: from now on it gets tasks. */
export function sessionJoined(core: CoreState, session: Session, connectionId: string, now: number): void {
  session.phase = { state: 'connected', connectionId };
  session.lastHeardAt = now;
  session.heartbeatSequence = 1;
  core.scheduler.setAvailable(session.slot, true);
  watchSilence(core, session);
  core.timers.set(session.heartbeatTimer, now + core.options.heartbeatIntervalMs);
}

export function heardFrom(core: CoreState, session: Session, now: number): void {
  session.lastHeardAt = now;
  if (session.phase.state !== 'suspect') return;
  session.phase = { state: 'connected', connectionId: session.phase.connectionId };
  core.scheduler.setAvailable(session.slot, true);
  watchSilence(core, session);
  core.log('info', 'agent is heard again', { agentId: session.agentId });
}

/** The agent takes no new tasks; what it has, it finishes. */
export function drainSession(core: CoreState, session: Session, reason: string): void {
  const connectionId = connectionOf(session);
  if (connectionId === null) return;
  session.phase = { state: 'draining', connectionId };
  core.scheduler.setAvailable(session.slot, false);
  core.log('info', 'agent drains', { agentId: session.agentId, reason, leases: session.leases.size });
}

/** The session's timer has run out: silence is judged, or the grace is over. */
export function sessionIsDue(core: CoreState, session: Session, now: number): void {
  if (session.phase.state === 'disconnected') {
    const waited = core.options.sessionGraceMs;
    endSession(core, session, `agent '${session.agentId}' did not come back within ${waited} ms`, now);
    return;
  }
  const silentMs = now - session.lastHeardAt;
  const interval = core.options.heartbeatIntervalMs;
  if (silentMs >= GIVE_UP_INTERVALS * interval) {
    const reason = `nothing heard for ${Math.round(silentMs)} ms`;
    closeConnection(core, session.phase.connectionId, 'HEARTBEAT_TIMEOUT', reason);
    disconnectSession(core, session, reason, now);
    return;
  }
  if (silentMs >= SUSPECT_INTERVALS * interval && session.phase.state === 'connected') {
    session.phase = { state: 'suspect', connectionId: session.phase.connectionId };
    core.scheduler.setAvailable(session.slot, false);
    core.log('warn', 'agent is silent', { agentId: session.agentId, silentMs });
  }
  watchSilence(core, session);
}

export function sendHeartbeat(core: CoreState, session: Session, now: number): void {
  const connectionId = connectionOf(session);
  if (connectionId === null) return;
  const { load, memoryBytes } = core.ports.facts();
  core.send(connectionId, {
    type: 'HeartbeatMessage',
    sequence: session.heartbeatSequence++,
    sentAt: now,
    load,
    activeTasks: session.leases.size,
    queuedTasks: core.ready.size,
    memoryBytes,
  });
  core.timers.set(session.heartbeatTimer, now + core.options.heartbeatIntervalMs);
}

/** The connection is gone; leases wait for the agent until the grace is over. */
export function disconnectSession(core: CoreState, session: Session, reason: string, now: number): void {
  detach(core, session);
  const graceUntil = now + core.options.sessionGraceMs;
  session.phase = { state: 'disconnected', graceUntil };
  core.timers.set(session.timer, graceUntil);
  core.log('warn', 'agent disconnected', { agentId: session.agentId, reason, leases: session.leases.size });
}

/** The session is over: what it held goes back to the queue. Its connection, if any, is the caller's affair. */
export function endSession(core: CoreState, session: Session, why: string, now: number): void {
  detach(core, session);
  for (const task of [...session.leases.values()]) loseLease(core, task, session, why, null, now);
  session.phase = { state: 'disconnected', graceUntil: now };
  core.scheduler.remove(session.slot);
  core.registry.remove(session);
  core.commits.add({ op: 'drop-session', agentId: session.agentId }, null, null);
  core.log('info', 'session ended', { agentId: session.agentId, reason: why });
}

/** Stops all that runs for the session's present connection. */
export function detach(core: CoreState, session: Session): void {
  core.timers.cancel(session.timer);
  core.timers.cancel(session.heartbeatTimer);
  core.scheduler.setAvailable(session.slot, false);
  for (const key of [...session.stopping.keys()]) stopAnswered(core, session, key);
}

function watchSilence(core: CoreState, session: Session): void {
  const intervals = session.phase.state === 'connected' ? SUSPECT_INTERVALS : GIVE_UP_INTERVALS;
  core.timers.set(session.timer, session.lastHeardAt + intervals * core.options.heartbeatIntervalMs);
}
