/**
 * The version-independent part of QUIC packet headers (RFC 8999) and what a server needs of an Initial packet
 * (RFC 9000 §17.2.2), read without the native library: bytes from the network never make this throw.
 */

export type PacketType = 'initial' | 'zero-rtt' | 'handshake' | 'retry' | 'version-negotiation' | 'short';

export interface LongHeader {
  readonly type: Exclude<PacketType, 'short'>;
  readonly version: number;
  readonly dcid: Uint8Array;
  readonly scid: Uint8Array;
  /** Address-validation token of an Initial packet; empty when there is none. */
  readonly token: Uint8Array;
}

/** Longest connection id of QUIC version 1, in bytes. */
const MAX_CID_BYTES = 20;
const NO_TOKEN = new Uint8Array(0);
const LONG_TYPES = ['initial', 'zero-rtt', 'handshake', 'retry'] as const;

export function isLongHeader(datagram: Uint8Array): boolean {
  return ((datagram[0] ?? 0) & 0x80) !== 0;
}

/** Reads a long header; null when the bytes are not one. The views point into `datagram`. */
export function parseLongHeader(datagram: Uint8Array): LongHeader | null {
  const first = datagram[0];
  // 7 bytes: flags, version, two length bytes of empty connection ids.
  if (first === undefined || (first & 0x80) === 0 || datagram.length < 7) return null;
  const version =
    (((datagram[1] ?? 0) << 24) |
      ((datagram[2] ?? 0) << 16) |
      ((datagram[3] ?? 0) << 8) |
      (datagram[4] ?? 0)) >>>
    0;
  const dcidEnd = 6 + (datagram[5] ?? 0);
  const scidStart = dcidEnd + 1;
  if (dcidEnd - 6 > MAX_CID_BYTES || scidStart > datagram.length) return null;
  const scidEnd = scidStart + (datagram[dcidEnd] ?? 0);
  if (scidEnd - scidStart > MAX_CID_BYTES || scidEnd > datagram.length) return null;
  const dcid = datagram.subarray(6, dcidEnd);
  const scid = datagram.subarray(scidStart, scidEnd);
  if (version === 0) return { type: 'version-negotiation', version, dcid, scid, token: NO_TOKEN };
  const type = LONG_TYPES[(first & 0x30) >> 4] ?? 'initial';
  if (type !== 'initial') return { type, version, dcid, scid, token: NO_TOKEN };
  const token = readToken(datagram, scidEnd);
  return token === null ? null : { type, version, dcid, scid, token };
}

/** Token length is a variable-length integer (RFC 9000 §16); lengths over 2^30 are refused unread. */
function readToken(datagram: Uint8Array, at: number): Uint8Array | null {
  const first = datagram[at];
  if (first === undefined) return null;
  const lengthBytes = 1 << (first >> 6);
  if (lengthBytes === 8 || at + lengthBytes > datagram.length) return null;
  let length = first & 0x3f;
  for (let i = 1; i < lengthBytes; i++) length = length * 256 + (datagram[at + i] ?? 0);
  const start = at + lengthBytes;
  if (start + length > datagram.length) return null;
  return datagram.subarray(start, start + length);
}
