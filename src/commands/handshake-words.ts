import type { CloseInfo } from '../transport/transport.js';

const CERTIFICATE = 'makes one: swarm-coordinator certs agent ID';

/** TLS alerts (RFC 8446 §6.2) that we sent: what is wrong with the peer. */
const OURS: ReadonlyMap<number, string> = new Map([
  [42, `its certificate is broken or not for a client; ${CERTIFICATE}`],
  [43, 'its certificate is of a type that cannot be used'],
  [44, 'its certificate is revoked'],
  [45, `its certificate is expired or not yet valid; ${CERTIFICATE}`],
  [46, `its certificate is not acceptable; ${CERTIFICATE}`],
  [48, `its certificate is signed by an authority that is not trusted here (--ca); ${CERTIFICATE}`],
  [70, 'it does not speak TLS 1.3'],
  [116, `it presented no client certificate (--require-client-cert); ${CERTIFICATE}`],
  [
    120,
    'it does not offer the protocol neural-trader-quic (ALPN): it is no swarm agent or client, or of another release',
  ],
]);

/** Alerts that the peer sent: what it says is wrong with us. */
const THEIRS: ReadonlyMap<number, string> = new Map([
  [
    42,
    'it refuses our certificate: not for the host name or address it connects to (--san), or of another fingerprint',
  ],
  [
    45,
    'it finds our certificate expired or not yet valid: check both clocks, or make a new one with certs init --force',
  ],
  [46, 'it refuses our certificate'],
  [48, 'it does not trust the authority of our certificate: give it our ca.crt with --ca'],
]);

/** Why a handshake with a peer came to nothing, in the words of the coordinator's log. */
export function explainHandshakeFailure(info: CloseInfo): string {
  if (info.by === 'timeout') return info.reason === '' ? 'no answer in time' : info.reason;
  const known = (info.by === 'local' ? OURS : THEIRS).get(info.code);
  if (info.layer === 'tls')
    return known ?? `TLS alert ${info.code} ${info.by === 'local' ? 'by us' : 'by the peer'}`;
  return `${info.layer} error ${info.code} ${info.by === 'local' ? 'by us' : 'by the peer'}`;
}

/** Passes on at most `perSecond` calls a second, and says how many it swallowed. A flood must not fill the disk. */
export function rateLimited(
  perSecond: number,
  now: () => number,
): (pass: (swallowed: number) => void) => void {
  let windowStart = -Infinity;
  let passed = 0;
  let swallowed = 0;
  return (pass) => {
    const time = now();
    if (time - windowStart >= 1000) {
      windowStart = time;
      passed = 0;
    }
    if (passed >= perSecond) {
      swallowed++;
      return;
    }
    passed++;
    pass(swallowed);
    swallowed = 0;
  };
}
