import type { SessionRecord } from '../../../store/records.js';
import {
  connectionOf,
  GIVE_UP_INTERVALS,
  recordOf,
  Session,
  SUSPECT_INTERVALS,
  type SessionIdentity,
  type SessionPhase,
} from './sessions.js';
import { watchStall } from './stalls.js';
import { loseShards } from '../training/shards.js';
import type { CoreState } from '../state.js';
import { loseLease, stopAnswered } from '../tasks/task-flow.js';

/** Sessions after their handshake: heartbeats, loss of the connection, grace and end. Silence is judged in liveness.ts. */

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

/** A session from the store: its agent may resume it within the grace, which starts now. */
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

/** The session is stored and AgentAck is on its way. */
export function sessionJoined(core: CoreState, session: Session, connectionId: string, now: number): void {
  if (core.connections.get(connectionId)?.established === true) goLive(core, session, connectionId, now);
  else session.phase = { state: 'early', connectionId };
}

/** From now on the session gets tasks; all that is of the connection starts anew. */
export function goLive(core: CoreState, session: Session, connectionId: string, now: number): void {
  session.phase = { state: 'connected', connectionId };
  session.lastHeardAt = now;
  session.lastEndedAt = now;
  session.unusedSince = null;
  session.stalledSince = null;
  session.heartbeatSequence = 1;
  core.scheduler.setLoad(session.slot, 0);
  core.scheduler.setAvailable(session.slot, true);
  if (session.identity.agentType === 'reasoning') core.learning.judges.add(session);
  watchSilence(core, session);
  watchStall(core, session, now);
  core.timers.set(session.heartbeatTimer, now + core.options.heartbeatIntervalMs);
}

/** A message came. */
export function heardFrom(core: CoreState, session: Session, now: number): void {
  session.lastHeardAt = now;
  if (session.phase.state !== 'suspect') return;
  session.phase = { state: 'connected', connectionId: session.phase.connectionId };
  core.scheduler.setAvailable(session.slot, true);
  watchSilence(core, session);
  core.feed.agent('agent-heard', session, now);
  core.log('info', 'agent is heard again', { agentId: session.agentId });
}

/** The agent shows that it has the token of its AgentAck: the one before is worth nothing, also after a restart. */
export function confirmToken(core: CoreState, session: Session): void {
  const { state } = session.phase;
  if (session.identity.previousTokenHash === null || state === 'joining' || state === 'early') return;
  session.identity = { ...session.identity, previousTokenHash: null };
  core.commits.add({ op: 'put-session', session: recordOf(session) }, null, null);
}

/** The agent takes no new tasks; what it has, it finishes. */
export function drainSession(core: CoreState, session: Session, reason: string): void {
  const connectionId = connectionOf(session);
  if (connectionId === null) return;
  session.phase = { state: 'draining', connectionId };
  core.learning.judges.delete(session);
  core.scheduler.setAvailable(session.slot, false);
  // said in a message, which was heard now
  core.feed.agent('agent-draining', session, session.lastHeardAt, reason);
  core.log('info', 'agent drains', { agentId: session.agentId, reason, leases: session.leases.size });
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
  waitForAgent(core, session, now + core.options.sessionGraceMs);
  core.feed.agent('agent-disconnected', session, now, reason);
  core.log('warn', 'agent disconnected', { agentId: session.agentId, reason, leases: session.leases.size });
}

/** Leases wait until then. */
export function waitForAgent(core: CoreState, session: Session, graceUntil: number): void {
  session.phase = { state: 'disconnected', graceUntil };
  core.timers.set(session.timer, graceUntil);
}

/** The session is over: what it held goes back to the queue. Its connection, if any, is the caller's affair. */
export function endSession(core: CoreState, session: Session, why: string, now: number): void {
  detach(core, session);
  for (const task of [...session.leases]) loseLease(core, task, session, why, null, now);
  session.phase = { state: 'disconnected', graceUntil: now };
  core.scheduler.remove(session.slot);
  core.registry.remove(session);
  core.commits.add({ op: 'drop-session', agentId: session.agentId }, null, null);
  core.feed.agent('agent-gone', session, now, why);
  core.log('info', 'session ended', { agentId: session.agentId, reason: why });
}

/** Stops all that runs for the session's present connection. */
export function detach(core: CoreState, session: Session): void {
  core.timers.cancel(session.timer);
  core.timers.cancel(session.heartbeatTimer);
  core.timers.cancel(session.stallTimer);
  session.stalledSince = null;
  core.learning.judges.delete(session);
  core.scheduler.setAvailable(session.slot, false);
  loseShards(core, session);
  for (const key of [...session.stopping.keys()]) stopAnswered(core, session, key);
}

/** Arms the timer for the time when silence has to be judged next, if nothing is heard. */
export function watchSilence(core: CoreState, session: Session): void {
  const interval = core.options.heartbeatIntervalMs;
  const messageAt = Math.max(session.lastHeardAt, core.onTimeSince);
  const packetAt = Math.max(messageAt, session.lastPacketAt);
  const suspectAt = messageAt + SUSPECT_INTERVALS * interval;
  const givenUpAt = packetAt + GIVE_UP_INTERVALS * interval;
  core.timers.set(session.timer, session.phase.state === 'connected' ? suspectAt : givenUpAt);
}
