import { ERRORS, ProtocolError, errorReport } from '../../../protocol/errors.js';
import type { Message } from '../../../protocol/messages.js';
import { logBounded } from '../bounded-log.js';
import { closeConnection, forgetConnection, MAX_REFUSED, type Connection } from './connections.js';
import type { CoreEvent } from '../contract.js';
import type { Due } from '../due.js';
import { disconnectSession, endSession, goLive } from './session-lifecycle.js';
import type { CoreState } from '../state.js';
import { Timer } from '../timers.js';

/** Connections from their opening to their end, and what a refused message does to one. */

export function openConnection(
  core: CoreState,
  opened: Extract<CoreEvent, { type: 'connectionOpened' }>,
  now: number,
): void {
  const { connectionId, address, certificate, early = false, local = false } = opened;
  const handshakeTimer = new Timer<Due>({ kind: 'handshake', connectionId });
  if (!local) core.timers.set(handshakeTimer, now + core.options.handshakeTimeoutMs);
  core.connections.set(connectionId, {
    id: connectionId,
    address,
    certificate,
    established: !early,
    role: local ? { kind: 'client', clientId: 'local', role: 'operator' } : { kind: 'unknown' },
    early: { state: 'none' },
    handshakeTimer,
    refused: 0,
    overRate: 0,
    lookups: 0,
    local,
  });
}

/** The TLS handshake is complete: what came in early data was of a living peer, under this certificate. */
export function connectionEstablished(
  core: CoreState,
  connection: Connection,
  certificate: string | null,
  now: number,
): void {
  if (connection.established) return;
  connection.established = true;
  connection.certificate = certificate;
  if (connection.role.kind !== 'agent') return;
  const { session } = connection.role;
  core.timers.cancel(connection.handshakeTimer);
  if (session.identity.certificate !== certificate) {
    core.counters.sessionsRefused++;
    const text = 'the session belongs to another certificate: connect again without its token';
    refuse(core, connection, new ProtocolError('SESSION_UNKNOWN', text, { field: '/sessionToken' }), now);
  } else if (session.phase.state === 'early') {
    goLive(core, session, connection.id, now);
  }
}

/** The connection ended by itself. */
export function loseConnection(
  core: CoreState,
  connection: Connection,
  end: { readonly clean: boolean; readonly reason: string },
  now: number,
): void {
  forgetConnection(core, connection);
  if (connection.role.kind !== 'agent') return;
  const { session } = connection.role;
  // a goodbye in early data is nobody's
  if ((end.clean && connection.established) || session.phase.state === 'draining') {
    endSession(core, session, `agent '${session.agentId}' said goodbye`, now);
  } else {
    disconnectSession(core, session, end.reason, now);
  }
}

export function handshakeTimedOut(core: CoreState, connectionId: string, now: number): void {
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  const seconds = core.options.handshakeTimeoutMs / 1000;
  const reason = connection.established
    ? `no AgentHandshake or ClientHandshake within ${seconds} s`
    : `the TLS handshake was not complete within ${seconds} s`;
  closeConnection(core, connectionId, 'HANDSHAKE_TIMEOUT', reason);
  if (connection.role.kind === 'agent') disconnectSession(core, connection.role.session, reason, now);
}

/**
 * Tells the peer what was wrong with its message; closes the connection when the error is fatal, when the peer has not
 * yet said who it is, or when it was one too many.
 */
export function refuse(core: CoreState, connection: Connection, error: ProtocolError, now: number): void {
  core.counters.protocolErrors++;
  if (error.fatal || connection.role.kind === 'unknown') abandon(core, connection, error, now);
  else refuseAndGoOn(core, connection, error, now);
}

/** Refuses a message that its sender does not send. */
export function refuseUnexpected(
  core: CoreState,
  connection: Connection,
  { type: messageType }: Message,
  sender: 'a client' | 'an agent',
  now: number,
): void {
  const text = `${sender} does not send ${messageType} after its handshake`;
  refuse(core, connection, new ProtocolError('UNEXPECTED_MESSAGE', text, { messageType }), now);
}

/** As `refuse`, for what does not speak against the peer: only too many of them end the connection. */
export function refuseAndGoOn(
  core: CoreState,
  connection: Connection,
  error: ProtocolError,
  now: number,
): void {
  connection.refused++;
  if (connection.refused > MAX_REFUSED) {
    abandon(core, connection, new ProtocolError('TOO_MANY_ERRORS'), now);
  } else {
    core.sendError(connection.id, error);
  }
}

/** Reports an error, closes the connection for it, and leaves an agent's leases to the grace. */
export function abandon(core: CoreState, connection: Connection, error: ProtocolError, now: number): void {
  core.send(connection.id, errorReport(error));
  closeConnection(core, connection.id, error.name, error.message);
  const { address } = connection;
  const level = ERRORS[error.name].permanent || error.name === 'SESSION_UNKNOWN' ? 'warn' : 'info';
  const fields = { address, error: error.name, reason: error.message };
  logBounded(core, error.name, { level, msg: 'connection refused', fields }, now);
  if (connection.role.kind === 'agent') disconnectSession(core, connection.role.session, error.message, now);
}
