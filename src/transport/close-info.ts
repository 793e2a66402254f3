import type { NativeConnection } from './native.js';
import type { CloseInfo } from './transport.js';

/** TLS alerts travel as transport errors 0x100 + alert (RFC 9001 §4.8). */
const TLS_ALERT_BASE = 0x100;

/** Application code of a close caused by a fault of our own (an exception in a handler). */
export const INTERNAL_ERROR_CODE = 0x1;

export function closeInfoOf(native: NativeConnection): CloseInfo {
  // The peer's word first: quiche also records a local error in reaction to some of its closes.
  const peer = native.peerError();
  const error = peer ?? native.localError();
  if (error === null) {
    if (native.isTimedOut()) {
      const reason = 'idle timeout: nothing was heard from the peer';
      return { by: 'timeout', layer: 'transport', code: 0, reason };
    }
    // nobody closed it, and yet it is closed: quiche has found its reset token (RFC 9000 §10.3.1)
    const reason =
      'stateless reset: the peer does not know this connection, it was restarted or has given it up';
    return { by: 'peer', layer: 'transport', code: 0, reason };
  }
  const by = peer === null ? 'local' : 'peer';
  const { isApp, code, reason } = error;
  if (isApp) return { by, layer: 'application', code, reason };
  if (code >= TLS_ALERT_BASE && code < TLS_ALERT_BASE + 256) {
    return { by, layer: 'tls', code: code - TLS_ALERT_BASE, reason };
  }
  return { by, layer: 'transport', code, reason };
}

/** Code of a TLS alert as a transport error. */
export function tlsAlertCode(alert: number): number {
  return TLS_ALERT_BASE + alert;
}
