import type { X509Certificate } from 'node:crypto';
import type { Keylog } from './keylog.js';
import type { LivenessRules } from './liveness.js';
import type { HostPort } from './native.js';
import type { PrefixView } from './prefix-view.js';
import type { QuicConnection } from './quic-connection.js';

/** Read from a stream at once: what a connection may take in of a turn is looked at after each. */
export const READ_BUFFER_BYTES = 32 * 1024;

/** What a connection needs of the endpoint that owns it. */
export interface ConnectionHost {
  readonly sendBuffer: Buffer;
  readonly readView: PrefixView;
  /** A datagram was taken in: runs `takeIn` and `giveOut` of the connection in the next turn, or now. */
  received(connection: QuicConnection): void;
  /** Has what was written sent at the end of this turn. */
  schedule(connection: QuicConnection): void;
  /** Runs `takeIn` and `giveOut` of the connection in the next turn. */
  scheduleNext(connection: QuicConnection): void;
  /** Runs `sendAll` of the connection in a few milliseconds. */
  delay(connection: QuicConnection): void;
  transmit(length: number, to: HostPort): boolean;
  /** The handshake is complete. */
  established(connection: QuicConnection): void;
  /** Early data is there. True when it may be handed over now; else it waits for the end of the handshake. */
  admitEarly(connection: QuicConnection): boolean;
  /** The connection needs nothing more: forget it. */
  released(connection: QuicConnection): void;
  /** A handler threw; the connection closes with INTERNAL_ERROR. */
  handlerFailed(connection: QuicConnection, error: unknown): void;
}

export interface ConnectionOptions extends LivenessRules {
  readonly id: string;
  readonly role: 'client' | 'server';
  readonly local: HostPort;
  readonly remote: HostPort;
  /** What `remoteAddress` says instead of `remote` (a client's path has fixed addresses, its socket is connected). */
  readonly peerName?: string;
  readonly datagramBytes: number;
  readonly keylog: Keylog | null;
  /** Says why the peer's leaf certificate is not acceptable, or null. Runs once, when the handshake completes. */
  readonly checkPeer?: (leaf: X509Certificate | null) => string | null;
  /** What is written before the handshake is complete may leave as early data, when there is a ticket. */
  readonly earlyData: boolean;
  /** A session ticket that later connections may resume with. */
  readonly onSession?: (session: Uint8Array) => void;
}
