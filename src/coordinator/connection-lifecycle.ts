import { ERRORS, ProtocolError, errorReport } from '../protocol/errors.js';
import { closeConnection, forgetConnection, MAX_REFUSED, type Connection } from './connections.js';
import type { Due } from './due.js';
import { disconnectSession, endSession } from './session-lifecycle.js';
import type { CoreState } from './state.js';
import { Timer } from './timers.js';

/** Connections from their opening to their end, and what a refused message does to one. */

export function openConnection(
  core: CoreState,
  opened: { readonly connectionId: string; readonly address: string; readonly certificate: string | null },
  now: number,
): void {
  const { connectionId, address, certificate } = opened;
  const handshakeTimer = new Timer<Due>({ kind: 'handshake', connectionId });
  core.timers.set(handshakeTimer, now + core.options.handshakeTimeoutMs);
  core.connections.set(connectionId, {
    id: connectionId,
    address,
    certificate,
    role: { kind: 'unknown' },
    handshakeTimer,
    refused: 0,
    lookups: 0,
  });
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
  if (end.clean || session.phase.state === 'draining') {
    endSession(core, session, `agent '${session.agentId}' said goodbye`, now);
  } else {
    disconnectSession(core, session, end.reason, now);
  }
}

export function handshakeTimedOut(core: CoreState, connectionId: string): void {
  const seconds = core.options.handshakeTimeoutMs / 1000;
  const reason = `no AgentHandshake or ClientHandshake within ${seconds} s`;
  closeConnection(core, connectionId, 'HANDSHAKE_TIMEOUT', reason);
}

/** Tells the peer what was wrong with its message; closes the connection when the error is fatal or one too many. */
export function refuse(core: CoreState, connection: Connection, error: ProtocolError, now: number): void {
  core.counters.protocolErrors++;
  connection.refused++;
  if (error.fatal || connection.role.kind === 'unknown') {
    abandon(core, connection, error, now);
  } else if (connection.refused > MAX_REFUSED) {
    abandon(core, connection, new ProtocolError('TOO_MANY_ERRORS'), now);
  } else {
    core.sendError(connection.id, error);
  }
}

/** Reports an error, closes the connection for it, and leaves an agent's leases to the grace. */
function abandon(core: CoreState, connection: Connection, error: ProtocolError, now: number): void {
  core.send(connection.id, errorReport(error));
  closeConnection(core, connection.id, error.name, error.message);
  core.log(ERRORS[error.name].permanent ? 'warn' : 'info', 'connection refused', {
    address: connection.address,
    error: error.name,
    reason: error.message,
  });
  if (connection.role.kind === 'agent') disconnectSession(core, connection.role.session, error.message, now);
}
