import { availableParallelism } from 'node:os';
import { isLoopback, MAX_DATAGRAM_BYTES } from './datagram-port.js';

/** `auto`: LOOPBACK_DATAGRAM_BYTES to a loopback address, PATH_DATAGRAM_BYTES to any other; or a fixed size in bytes. */
export type UdpPayload = 'auto' | number;

/** There is no path-MTU discovery: this passes an Ethernet path with room for tunnels. */
export const PATH_DATAGRAM_BYTES = 1350;
/** Loopback carries 64 KiB; 16 kB took most of the gain and keeps bursts within socket buffers. */
export const LOOPBACK_DATAGRAM_BYTES = 16_384;
/** RFC 9000 §14: what every path must carry. */
export const MIN_DATAGRAM_BYTES = 1200;

/** Settings that both sides of the transport share; all optional, defaults in DEFAULT_SETTINGS. */
export interface TransportSettings {
  readonly alpn: string;
  readonly udpPayload: UdpPayload;
  readonly congestion: 'cubic' | 'bbr' | 'reno';
  /** Concurrent bidirectional streams the peer may open. */
  readonly maxStreams: number;
  /** A connection on which nothing is heard for so long is over; 0: never. The lower of both sides' values counts. */
  readonly idleTimeoutMs: number;
  /** A PING leaves when nothing was sent for so long; 0: never. */
  readonly keepAliveMs: number;
  readonly handshakeTimeoutMs: number;
  /** Several datagrams in a row without any answer for so long: the peer or the path is gone. */
  readonly pathTimeoutMs: number;
  /**
   * Unread bytes a peer may have in flight to us on one stream, and on a connection: the bound of our memory. Both begin
   * smaller (native.ts) and grow as they are used.
   */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * Where answers have come one by one within a tenth of a millisecond, wait for the next one awake: a third of the time
   * for an exchange, and all of a core while exchanges follow each other without a pause.
   */
  readonly busyPoll: boolean;
}

export const DEFAULT_SETTINGS: TransportSettings = {
  alpn: 'neural-trader-quic',
  udpPayload: 'auto',
  congestion: 'cubic',
  maxStreams: 1000,
  idleTimeoutMs: 300_000,
  keepAliveMs: 10_000,
  handshakeTimeoutMs: 10_000,
  pathTimeoutMs: 5_000,
  streamWindowBytes: 4 * 1024 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  // with one core it would only keep the other side from answering
  busyPoll: availableParallelism() > 1,
};

/** Datagram size towards this host, in bytes. */
export function datagramBytes(udpPayload: UdpPayload, remoteHost: string): number {
  if (udpPayload !== 'auto') return Math.min(MAX_DATAGRAM_BYTES, Math.max(MIN_DATAGRAM_BYTES, udpPayload));
  return isLoopback(remoteHost) ? LOOPBACK_DATAGRAM_BYTES : PATH_DATAGRAM_BYTES;
}

/** Options given as `undefined` count as not given. */
export function withDefaults(given: {
  readonly [K in keyof TransportSettings]?: TransportSettings[K] | undefined;
}): TransportSettings {
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_SETTINGS, ...(Object.fromEntries(defined) as Partial<TransportSettings>) };
}
