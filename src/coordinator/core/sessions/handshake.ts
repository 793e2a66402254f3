import { ProtocolError } from '../../../protocol/errors.js';
import type { Lease, Message, MessageOf } from '../../../protocol/messages.js';
import { PROTOCOL_VERSIONS } from '../../../protocol/limits.js';
import type { Role } from '../../../protocol/roles.js';
import { negotiateVersion } from '../../../protocol/version.js';
import { abandon, refuse } from './connection-lifecycle.js';
import { closeConnection, type Connection } from './connections.js';
import { aliveSince } from './liveness.js';
import { clientRole, mustBeAgent } from './rights.js';
import { detach, endSession, startSession, waitForAgent } from './session-lifecycle.js';
import { connectionOf, hashToken, recordOf, type Session, type SessionIdentity } from './sessions.js';
import type { CoreState } from '../state.js';
import { storeTakesLeases, storeUnavailable } from '../commits/store-health.js';
import { leasedTask, loseLease } from '../tasks/task-flow.js';
import { activeLease } from '../tasks/task.js';

/** The first message of a connection that is established, which says who is there. Anything else, or a refusal, closes it. */
export function handleFirstMessage(
  core: CoreState,
  connection: Connection,
  message: Message,
  now: number,
): void {
  try {
    if (message.type === 'AgentHandshake') welcomeAgent(core, connection, message, now);
    else if (message.type === 'ClientHandshake') welcomeClient(core, connection, message);
    else throw new ProtocolError('UNEXPECTED_MESSAGE', NOT_A_HANDSHAKE, { messageType: message.type });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (error.name === 'COORDINATOR_BUSY') {
      // no fault of the peer's
      core.counters.agentsDeferred++;
      abandon(core, connection, error, now);
      return;
    }
    if (error.name === 'JOIN_TOKEN_WRONG') core.counters.joinTokensRefused++;
    else if (error.name === 'SESSION_UNKNOWN') core.counters.sessionsRefused++;
    refuse(core, connection, error, now);
  }
}

const NOT_A_HANDSHAKE = 'the first message of a connection is AgentHandshake or ClientHandshake';

/** Kinds of task a submit may name now. */
export function acceptedKinds(core: CoreState): string[] {
  return [...new Set([...core.options.builtInKinds, ...core.scheduler.offeredKinds()])].sort().slice(0, 1024);
}

function welcomeClient(core: CoreState, connection: Connection, message: MessageOf<'ClientHandshake'>): void {
  const protocolVersion = negotiateVersion(message.protocolVersions, PROTOCOL_VERSIONS);
  checkJoinToken(core, message);
  const role = clientRole(rolesOf(core, connection, message));
  core.timers.cancel(connection.handshakeTimer);
  connection.role = { kind: 'client', clientId: message.clientId, role };
  const { coordinatorId, maxMessageBytes, ownStreamThresholdBytes } = core.options;
  core.send(connection.id, {
    type: 'ClientAck',
    protocolVersion,
    coordinatorId,
    configuration: { maxMessageBytes, ownStreamThresholdBytes },
    kinds: acceptedKinds(core),
    role,
  });
  core.log('debug', 'client connected', { clientId: message.clientId, role, address: connection.address });
}

/** Lets an agent in, or throws the ProtocolError that says why not; then nothing has changed. */
export function welcomeAgent(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'AgentHandshake'>,
  now: number,
): void {
  const protocolVersion = checkAgent(core, connection, message);
  const { agentId, agentType, kinds, sessionToken: presented } = message;
  const { address, certificate } = connection;
  const presentedHash = presented === undefined ? null : hashToken(presented);
  const entry = { agentId, tokenHash: presentedHash, certificate };
  const verdict = core.registry.judge(entry, (known) => aliveSince(core, known), now);
  if (verdict.entry === 'refused') throw verdict.error;
  if (verdict.entry !== 'resume' && core.operation.state !== 'running') {
    const text = 'the coordinator drains and takes no new agents';
    throw new ProtocolError('DRAINING', text, { messageType: message.type });
  }
  admitAgent(core, verdict.entry === 'resume' ? verdict.session : null, now);

  // until TLS is established the connection may be that of nobody
  if (connection.established) core.timers.cancel(connection.handshakeTimer);
  const sessionToken = core.ports.random.token();
  const tokenHash = hashToken(sessionToken);
  const identity: SessionIdentity = {
    agentId,
    agentType,
    kinds,
    address,
    certificate,
    tokenHash,
    previousTokenHash: null,
  };
  // AgentAck gets this very list, for what ends before it
  const abortedTasks: Lease[] = [];
  const phase = { state: 'joining', connectionId: connection.id, abortedTasks } as const;
  let session: Session;
  if (verdict.entry === 'resume') {
    session = verdict.session;
    leaveOldConnection(core, session);
    session.identity = { ...identity, previousTokenHash: presentedHash };
    session.phase = phase;
    session.lastHeardAt = now;
    core.scheduler.setKinds(session.slot, kinds);
    core.scheduler.setCredit(session.slot, message.concurrency);
    reconcileLeases(core, session, message.leases ?? [], abortedTasks, now);
  } else {
    if (verdict.entry === 'take-over') {
      leaveOldConnection(core, verdict.session);
      endSession(core, verdict.session, `another agent took over the id '${agentId}'`, now);
    }
    session = startSession(core, identity, message.concurrency, phase, now);
    abortedTasks.push(...(message.leases ?? []));
  }
  connection.role = { kind: 'agent', session };
  const resumed = verdict.entry === 'resume';
  if (resumed) core.counters.sessionsResumed++;
  core.commits.add({ op: 'put-session', session: recordOf(session) }, null, {
    kind: 'joined',
    session,
    joined: { connectionId: connection.id, protocolVersion, sessionToken, resumed, abortedTasks },
  });
  core.feed.agent(resumed ? 'agent-resumed' : 'agent-joined', session, now);
  core.log('info', resumed ? 'agent resumed' : 'agent joined', {
    agentId,
    agentType,
    address,
    software: message.software,
    concurrency: message.concurrency,
    leases: session.leases.size,
  });
}

/**
 * Takes the agent's place among those let in now, or throws STORE_UNAVAILABLE or COORDINATOR_BUSY. An agent that only
 * changes its connection is no part of a storm. One that is told to wait does not lose its leases for that.
 */
function admitAgent(core: CoreState, resumed: Session | null, now: number): void {
  const error = entryError(core, resumed !== null && resumed.phase.state !== 'disconnected', now);
  if (error === null) return;
  if (resumed?.phase.state === 'disconnected') {
    const graceUntil = now + (error.retryAfterMs ?? 0) + core.options.sessionGraceMs;
    waitForAgent(core, resumed, Math.max(resumed.phase.graceUntil, graceUntil));
  }
  throw error;
}

function entryError(core: CoreState, isConnected: boolean, now: number): ProtocolError | null {
  const context = { messageType: 'AgentHandshake' };
  // else each try would leave a session behind that waits to be stored
  if (!storeTakesLeases(core)) return storeUnavailable(core)(context);
  if (isConnected) {
    core.admission.force(now);
    return null;
  }
  const retryAfterMs = core.admission.enter(now, core.ports.random.fraction());
  if (retryAfterMs === null) return null;
  const { perSecond } = core.options.agentAdmission;
  const text = `agents are let in at ${perSecond} a second now: come back in ${Math.ceil(retryAfterMs)} ms`;
  return new ProtocolError('COORDINATOR_BUSY', text, { ...context, retryAfterMs });
}

/** What an agent has to bring, whoever it is: gives the version to be spoken, or throws the ProtocolError that says why not. */
export function checkAgent(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'AgentHandshake'>,
): number {
  const protocolVersion = negotiateVersion(message.protocolVersions, PROTOCOL_VERSIONS);
  checkJoinToken(core, message);
  mustBeAgent(rolesOf(core, connection, message));
  return protocolVersion;
}

function rolesOf(
  core: CoreState,
  connection: Connection,
  { joinToken }: MessageOf<'AgentHandshake'> | MessageOf<'ClientHandshake'>,
): readonly Role[] {
  return core.ports.rolesOf?.(connection.id, joinToken) ?? ['operator'];
}

function checkJoinToken(
  core: CoreState,
  message: MessageOf<'AgentHandshake'> | MessageOf<'ClientHandshake'>,
): void {
  if (core.ports.checkJoinToken(message.joinToken)) return;
  const problem = message.joinToken === undefined ? 'missing' : 'wrong';
  const text = `the join token is ${problem}: use the coordinator's --join-token-file`;
  throw new ProtocolError('JOIN_TOKEN_WRONG', text, { messageType: message.type, field: '/joinToken' });
}

function leaveOldConnection(core: CoreState, session: Session): void {
  const old = connectionOf(session);
  detach(core, session);
  if (old !== null) closeConnection(core, old, 'SESSION_REPLACED', 'the agent connected again');
}

/**
 * Brings both sides' view of a resumed session together: a lease that both know goes on; one that the agent does not
 * name never reached it or was forgotten, and is requeued; one that only the agent names is to be aborted.
 */
function reconcileLeases(
  core: CoreState,
  session: Session,
  named: readonly Lease[],
  aborted: Lease[],
  now: number,
): void {
  const kept = new Set<string>();
  for (const lease of named) {
    const task = leasedTask(core, session, lease.taskId);
    const active = task === undefined ? null : activeLease(task);
    if (active !== null && active.epoch === lease.epoch) kept.add(lease.taskId);
    else aborted.push(lease);
  }
  for (const task of [...session.leases]) {
    if (kept.has(task.spec.taskId)) continue;
    loseLease(core, task, session, `agent '${session.agentId}' came back without it`, null, now);
  }
}
