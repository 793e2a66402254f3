import type { CloseInfo } from '../transport/transport.js';
import { ERRORS, errorNameOf, type ErrorName } from './errors.js';

/** What the end of a connection means to the one who wanted it. */
export interface CloseMeaning {
  /** Stable, for programs: a name of ERRORS, `TLS_…` for an alert, `TRANSPORT_…`, or `UNREACHABLE`. */
  readonly name: string;
  /** The same attempt would end the same way; a command that stops for it exits with status 4. */
  readonly permanent: boolean;
  /** One sentence for people: what happened and what to do. */
  readonly text: string;
}

/** An alert of RFC 8446 §6.2, in the words of a client of the coordinator. */
interface AlertWords {
  readonly name: string;
  readonly permanent: boolean;
  /** The coordinator sent it: something about us. */
  readonly theirs: string;
  /** We sent it: something about the coordinator. */
  readonly ours: string;
}

const OUR_CERTIFICATE = 'give one signed by its CA with --cert and --key';
const THEIR_CERTIFICATE = 'pass the CA that signed it with --ca, or its --fingerprint';

const alert = (name: string, theirs: string, ours: string, permanent = true): AlertWords => ({
  name,
  permanent,
  theirs,
  ours,
});

const ALERTS: ReadonlyMap<number, AlertWords> = new Map([
  [
    40,
    alert(
      'TLS_HANDSHAKE_FAILURE',
      'the coordinator accepts none of the TLS parameters offered; both sides must speak TLS 1.3',
      'the coordinator chose TLS parameters that were not offered; both sides must speak TLS 1.3',
    ),
  ],
  [
    42,
    alert(
      'TLS_BAD_CERTIFICATE',
      `the coordinator refuses our certificate; ${OUR_CERTIFICATE}`,
      `the certificate of the coordinator is not for this host name, or is broken; connect to a name it holds, or ${THEIR_CERTIFICATE}`,
    ),
  ],
  [
    43,
    alert(
      'TLS_UNSUPPORTED_CERTIFICATE',
      `the coordinator cannot use the type of our certificate; ${OUR_CERTIFICATE}`,
      'the certificate of the coordinator is of a type that cannot be used here',
    ),
  ],
  [
    44,
    alert(
      'TLS_CERTIFICATE_REVOKED',
      `our certificate is revoked; ${OUR_CERTIFICATE}`,
      'the certificate of the coordinator is revoked',
    ),
  ],
  [
    45,
    alert(
      'TLS_CERTIFICATE_EXPIRED',
      'our certificate is expired or not yet valid; renew it, and check the clocks of both machines',
      'the certificate of the coordinator is expired or not yet valid; renew it, and check the clocks of both machines',
    ),
  ],
  [
    46,
    alert(
      'TLS_CERTIFICATE_UNKNOWN',
      `the coordinator does not accept our certificate; ${OUR_CERTIFICATE}`,
      `the certificate of the coordinator is not accepted; ${THEIR_CERTIFICATE}`,
    ),
  ],
  [
    48,
    alert(
      'TLS_UNKNOWN_CA',
      `the coordinator does not trust the CA of our certificate; ${OUR_CERTIFICATE}`,
      `the certificate of the coordinator is signed by a CA that is not trusted here; ${THEIR_CERTIFICATE}`,
    ),
  ],
  [49, alert('TLS_ACCESS_DENIED', 'the coordinator denies access to our certificate', 'access denied')],
  [
    70,
    alert(
      'TLS_PROTOCOL_VERSION',
      'the coordinator does not speak our version of TLS; both sides must speak TLS 1.3',
      'the coordinator does not speak TLS 1.3',
    ),
  ],
  [
    71,
    alert(
      'TLS_INSUFFICIENT_SECURITY',
      'the coordinator wants stronger ciphers than were offered',
      'the coordinator offers ciphers that are too weak',
    ),
  ],
  [
    112,
    alert(
      'TLS_UNRECOGNIZED_NAME',
      'the coordinator does not know the host name it was called by',
      'the host name is not known',
    ),
  ],
  [
    116,
    alert(
      'TLS_CERTIFICATE_REQUIRED',
      `the coordinator wants a client certificate; ${OUR_CERTIFICATE}`,
      'a client certificate is required',
    ),
  ],
  [
    120,
    alert(
      'TLS_NO_APPLICATION_PROTOCOL',
      'what answers at this address speaks QUIC, but is no swarm coordinator (ALPN); check the address and the versions of both sides',
      'what answers at this address is no swarm coordinator (ALPN); check the address and the versions of both sides',
    ),
  ],
]);

/** What a person can do about an application error that closed the connection, where its own meaning does not say it. */
const ADVICE: Partial<Record<ErrorName, string>> = {
  UNSUPPORTED_VERSION: 'install the same release on both sides',
  JOIN_TOKEN_WRONG: 'give the file with the token of the coordinator with --join-token-file',
  CLIENT_CERTIFICATE_REQUIRED: OUR_CERTIFICATE,
  AGENT_ID_IN_USE: 'give each agent its own --id',
};

/**
 * Closes that say nothing about the next connection, although what caused them, repeated, would end the same way: an
 * agent id is free again as soon as the coordinator has given up a connection that was lost, and a frame out of
 * bounds is a fault of one moment.
 */
const PASSING: readonly string[] = ['AGENT_ID_IN_USE', 'FRAME_TOO_LARGE'] satisfies ErrorName[];

/** Says in words why a connection to a coordinator ended, and whether it is worth trying again. */
export function explainClose(info: CloseInfo): CloseMeaning {
  if (info.by === 'timeout') {
    return { name: 'UNREACHABLE', permanent: false, text: 'no answer; is a coordinator running there?' };
  }
  switch (info.layer) {
    case 'application':
      return explainApplication(info);
    case 'tls':
      return explainAlert(info);
    case 'transport': {
      const what = info.code === 0 ? 'is gone' : `failed (transport error ${info.code})`;
      const text = withReason(`the QUIC connection ${what}`, info);
      return { name: `TRANSPORT_${info.code}`, permanent: false, text };
    }
  }
}

function explainApplication(info: CloseInfo): CloseMeaning {
  const name = errorNameOf(info.code);
  if (name === null) {
    const text = withReason(`closed with code ${info.code}, which this release does not know`, info);
    return { name: `CODE_${info.code}`, permanent: false, text };
  }
  const { meaning, permanent } = ERRORS[name];
  const advice = ADVICE[name];
  const text = withReason(advice === undefined ? meaning : `${meaning}; ${advice}`, info);
  return { name, permanent: permanent && !PASSING.includes(name), text };
}

function explainAlert(info: CloseInfo): CloseMeaning {
  const words = ALERTS.get(info.code);
  if (words === undefined) {
    const text = withReason(`the TLS handshake failed (alert ${info.code})`, info);
    return { name: `TLS_ALERT_${info.code}`, permanent: false, text };
  }
  const { name, permanent, ours, theirs } = words;
  return { name, permanent, text: info.by === 'local' ? withReason(ours, info) : theirs };
}

/** The peer's own text is shown, on one line and without what could drive a terminal. */
function withReason(text: string, info: CloseInfo): string {
  const reason = info.reason
    // eslint-disable-next-line no-control-regex
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, 300);
  return reason === '' ? text : `${text} (${reason})`;
}
