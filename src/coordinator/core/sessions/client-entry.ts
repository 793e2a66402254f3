import { ProtocolError } from '../../../protocol/errors.js';
import type { Message } from '../../../protocol/messages.js';
import type { ClientRole } from '../../../protocol/roles.js';
import type { CoreState } from '../state.js';
import { abandon, refuse } from './connection-lifecycle.js';
import { MAX_OVER_RATE, type Connection } from './connections.js';
import { forbidden, isAudited } from './rights.js';

/**
 * Whether a message of a client is to be dealt with: it comes at the rate allowed, and the client has the right. If not,
 * the client has been told. What is audited is on record then, whatever becomes of it.
 */
export function mayGoOn(
  core: CoreState,
  connection: Connection,
  client: { readonly role: ClientRole; readonly clientId: string },
  message: Message,
  now: number,
): boolean {
  const waitMs = connection.local ? null : overRate(core, connection, message, now);
  if (waitMs !== null) {
    const { clientRate } = core.options;
    const text = `more than ${String(clientRate)} requests a second: try again in ${String(waitMs)} ms`;
    const requestId = 'requestId' in message ? message.requestId : undefined;
    const context = { messageType: message.type, requestId, retryAfterMs: waitMs };
    // no fault of the message: the same is taken later
    if (++connection.overRate > MAX_OVER_RATE)
      abandon(core, connection, new ProtocolError('TOO_MANY_ERRORS'), now);
    else core.sendError(connection.id, new ProtocolError('TOO_MANY_REQUESTS', text, context));
    return false;
  }
  connection.overRate = 0;
  const refusal = forbidden(core, connection, client.role, client.clientId, message);
  if (refusal !== null || isAudited(message)) core.audit.begin(core, connection, client, message);
  if (refusal === null) return true;
  refuse(core, connection, refusal, now);
  return false;
}

function overRate(core: CoreState, connection: Connection, message: Message, now: number): number | null {
  if (core.requestRate === null || !('requestId' in message) || message.type === 'ErrorReport') return null;
  const { certificate, address } = connection;
  return core.requestRate.take(certificate ?? address.slice(0, address.lastIndexOf(':')), now);
}
