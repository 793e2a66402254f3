import { ProtocolError } from '../../../protocol/errors.js';
import type { Message, MessageOf } from '../../../protocol/messages.js';
import { logBounded } from '../bounded-log.js';
import { refuseAndGoOn } from './connection-lifecycle.js';
import type { Connection } from './connections.js';
import { checkAgent, welcomeAgent } from './handshake.js';
import { hashToken, provesCurrentToken } from './sessions.js';
import type { CoreState } from '../state.js';
import { storeTakesLeases } from '../commits/store-health.js';

/**
 * What comes in early data may have been recorded by anybody and may come any number of times. So it may do one thing:
 * resume a session, by a handshake with the session's latest token and a nonce that was never seen. What costs nothing is
 * checked first, then the store uses the nonce up, and only then the handshake takes effect. Whatever is refused changes
 * nothing; the connection stays open, since a living peer (which a recording is not) can say it again when TLS is
 * established, and by then it is an ordinary handshake.
 */
export function handleEarlyMessage(
  core: CoreState,
  connection: Connection,
  message: Message,
  now: number,
): void {
  if (message.type !== 'AgentHandshake') {
    refuseEarly(core, connection, message.type, `early data may not carry ${message.type}`, now);
  } else if (connection.early.state !== 'none' || connection.role.kind !== 'unknown') {
    refuseEarly(core, connection, message.type, 'there was a handshake in early data before', now);
  } else if (isAcceptable(core, connection, message, now) && message.nonce !== undefined) {
    connection.early = { state: 'checking', message };
    core.act({ type: 'consumeNonce', connectionId: connection.id, nonce: message.nonce });
  } else {
    connection.early = { state: 'decided' };
  }
}

/** The store has said whether the nonce of the connection's early handshake is fresh. */
export function nonceChecked(core: CoreState, connection: Connection, fresh: boolean, now: number): void {
  if (connection.early.state !== 'checking') return;
  const { message } = connection.early;
  connection.early = { state: 'decided' };
  // it did not wait, and was heard with an ordinary handshake
  if (connection.role.kind !== 'unknown') return;
  if (!fresh) {
    core.counters.replaysRefused++;
    refuseEarly(core, connection, message.type, 'the nonce of this handshake was used before', now);
    return;
  }
  // meanwhile the session may have ended, or been resumed by other means
  if (isAcceptable(core, connection, message, now)) welcomeAgent(core, connection, message, now);
}

/** Everything that can be checked without the store; refuses what does not pass. */
function isAcceptable(
  core: CoreState,
  connection: Connection,
  message: MessageOf<'AgentHandshake'>,
  now: number,
): boolean {
  const refuse = (reason: string): boolean => {
    refuseEarly(core, connection, message.type, reason, now);
    return false;
  };
  const { agentId, nonce, sessionToken } = message;
  if (nonce === undefined) return refuse('a handshake in early data needs a nonce');
  if (sessionToken === undefined) return refuse('early data may only resume a session');
  try {
    checkAgent(core, connection, message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return refuse(error.message);
  }
  const session = core.registry.get(agentId);
  if (session === undefined || !provesCurrentToken(session, hashToken(sessionToken))) {
    // each use of a token makes a new one, so what was recorded of an earlier use ends here
    core.counters.replaysRefused++;
    return refuse(`the session token of agent '${agentId}' is not the latest one`);
  }
  if (session.identity.certificate !== connection.certificate) {
    return refuse("the certificate of the session's agent is not known this early");
  }
  // whoever has to wait gets its time only once it is known to live
  const comesBack = session.phase.state === 'disconnected';
  if (comesBack && !core.admission.hasPlace(now)) return refuse('many agents come at once');
  if (!storeTakesLeases(core)) return refuse('the store takes nothing now');
  return true;
}

function refuseEarly(
  core: CoreState,
  connection: Connection,
  messageType: Message['type'],
  reason: string,
  now: number,
): void {
  core.counters.earlyDataRefused++;
  const text = `${reason}: send the handshake again once the connection is established`;
  const fields = { address: connection.address, reason };
  logBounded(core, 'EARLY_DATA_REFUSED', { level: 'warn', msg: 'early data refused', fields }, now);
  refuseAndGoOn(core, connection, new ProtocolError('EARLY_DATA_REFUSED', text, { messageType }), now);
}
