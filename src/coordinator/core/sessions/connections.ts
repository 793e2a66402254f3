import type { ErrorName } from '../../../protocol/errors.js';
import type { MessageOf } from '../../../protocol/messages.js';
import type { ClientRole } from '../../../protocol/roles.js';
import type { Due } from '../due.js';
import type { Session } from './sessions.js';
import type { CoreState } from '../state.js';
import type { Timer } from '../timers.js';

/** What a connection turned out to be by its first message. */
export type Role =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'agent'; readonly session: Session }
  | { readonly kind: 'client'; readonly clientId: string; readonly role: ClientRole };

/** What became of a handshake in early data; there is one chance for each connection. */
export type EarlyHandshake =
  | { readonly state: 'none' }
  /** It is what it should be; the store is asked whether its nonce is fresh. */
  | { readonly state: 'checking'; readonly message: MessageOf<'AgentHandshake'> }
  | { readonly state: 'decided' };

/** A connection that is open. One that the core has closed is forgotten at once; what it still sends is ignored. */
export interface Connection {
  readonly id: string;
  readonly address: string;
  /** Of a connection that is not established: null says that it is not known. */
  certificate: string | null;
  /** The TLS handshake is complete: what comes now is from a living peer. */
  established: boolean;
  role: Role;
  early: EarlyHandshake;
  /** Runs until the handshake has come, and TLS is established. */
  readonly handshakeTimer: Timer<Due>;
  /** Messages of it that were refused. */
  refused: number;
  /** Requests refused for the rate of the client, since one was taken. */
  overRate: number;
  /** Of this process itself: trusted, and not counted as a client. */
  readonly local: boolean;
  /** Lookups in the store it waits for. */
  lookups: number;
}

/** Over this many refused messages a connection is closed. */
export const MAX_REFUSED = 1_000;
/** Over this many refusals for its rate, one after the other, it does not listen. A client may have many requests under way. */
export const MAX_OVER_RATE = 10_000;
/** Lookups of one connection at once. */
export const MAX_LOOKUPS = 1_000;

/** Closes a connection and forgets it. What becomes of an agent's session is the caller's affair. */
export function closeConnection(
  core: CoreState,
  connectionId: string,
  error: ErrorName,
  reason: string,
): void {
  const connection = core.connections.get(connectionId);
  if (connection === undefined) return;
  forgetConnection(core, connection);
  core.act({ type: 'close', connectionId, error, reason });
}

export function forgetConnection(core: CoreState, connection: Connection): void {
  core.timers.cancel(connection.handshakeTimer);
  if (!core.audit.idle) core.audit.abandoned(core, connection.id);
  core.connections.delete(connection.id);
  core.feed.forget(connection.id);
}
