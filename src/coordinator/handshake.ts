import { ProtocolError } from '../protocol/errors.js';
import type { Lease, Message, MessageOf } from '../protocol/messages.js';
import { PROTOCOL_VERSIONS } from '../protocol/limits.js';
import { negotiateVersion } from '../protocol/version.js';
import { refuse } from './connection-lifecycle.js';
import { closeConnection, type Connection } from './connections.js';
import { detach, endSession, startSession } from './session-lifecycle.js';
import { connectionOf, hashToken, recordOf, type Session, type SessionIdentity } from './sessions.js';
import type { CoreState } from './state.js';
import { loseLease } from './task-flow.js';
import { activeLease } from './task.js';

/** The first message of a connection, which says who is there. Anything else, or a refusal, closes the connection. */
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
  core.timers.cancel(connection.handshakeTimer);
  connection.role = { kind: 'client', clientId: message.clientId };
  const { coordinatorId, maxMessageBytes, ownStreamThresholdBytes } = core.options;
  core.send(connection.id, {
    type: 'ClientAck',
    protocolVersion,
    coordinatorId,
    configuration: { maxMessageBytes, ownStreamThresholdBytes },
    kinds: acceptedKinds(core),
  });
  core.log('debug', 'client connected', { clientId: message.clientId, address: connection.address });
}

function welcomeAgent(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'AgentHandshake'>,
  now: number,
): void {
  const protocolVersion = negotiateVersion(message.protocolVersions, PROTOCOL_VERSIONS);
  checkJoinToken(core, message);
  const { agentId, agentType, kinds, sessionToken: presented } = message;
  const { address, certificate } = connection;
  const presentedHash = presented === undefined ? null : hashToken(presented);
  const verdict = core.registry.judge({ agentId, tokenHash: presentedHash, certificate }, now);
  if (verdict.entry === 'refused') throw verdict.error;
  if (verdict.entry !== 'resume' && core.operation.state !== 'running') {
    const text = 'the coordinator drains and takes no new agents';
    throw new ProtocolError('DRAINING', text, { messageType: message.type });
  }

  core.timers.cancel(connection.handshakeTimer);
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
  const phase = { state: 'joining', connectionId: connection.id } as const;
  let session: Session;
  let abortedTasks: Lease[];
  if (verdict.entry === 'resume') {
    session = verdict.session;
    leaveOldConnection(core, session);
    session.identity = { ...identity, previousTokenHash: presentedHash };
    session.phase = phase;
    session.lastHeardAt = now;
    core.scheduler.setKinds(session.slot, kinds);
    core.scheduler.setCredit(session.slot, message.concurrency);
    abortedTasks = reconcileLeases(core, session, message.leases ?? [], now);
  } else {
    if (verdict.entry === 'take-over') {
      leaveOldConnection(core, verdict.session);
      endSession(core, verdict.session, `another agent took over the id '${agentId}'`, now);
    }
    session = startSession(core, identity, message.concurrency, phase, now);
    abortedTasks = [...(message.leases ?? [])];
  }
  connection.role = { kind: 'agent', session };
  const resumed = verdict.entry === 'resume';
  core.commits.add({ op: 'put-session', session: recordOf(session) }, null, {
    kind: 'joined',
    session,
    joined: { connectionId: connection.id, protocolVersion, sessionToken, resumed, abortedTasks },
  });
  core.log('info', resumed ? 'agent resumed' : 'agent joined', {
    agentId,
    agentType,
    address,
    software: message.software,
    concurrency: message.concurrency,
    leases: session.leases.size,
  });
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
function reconcileLeases(core: CoreState, session: Session, named: readonly Lease[], now: number): Lease[] {
  const aborted: Lease[] = [];
  const kept = new Set<string>();
  for (const lease of named) {
    const task = session.leases.get(lease.taskId);
    const active = task === undefined ? null : activeLease(task);
    if (active !== null && active.epoch === lease.epoch) kept.add(lease.taskId);
    else aborted.push(lease);
  }
  for (const [taskId, task] of [...session.leases]) {
    if (kept.has(taskId)) continue;
    loseLease(core, task, session, `agent '${session.agentId}' came back without it`, null, now);
  }
  return aborted;
}
