/** Limits that both daemons share, and the extension types; docs/protocol.md lists them. */

export const ALPN = 'neural-trader-quic';
/** Protocol versions this build speaks, best first. */
export const PROTOCOL_VERSIONS = [1] as const;
/** Bytes of a frame's body (the part after its 4-byte length). */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Tasks at once, and so unfinished leases, of one agent: all of them fit into a handshake that resumes. */
export const MAX_CONCURRENCY = 4096;
/** A frame before the handshake is accepted: nobody may make us hold more. */
export const MAX_HANDSHAKE_BYTES = 512 * 1024;
/** Time for the first message on the control stream to arrive, from the opening of the connection. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Tasks that one task may need. */
export const MAX_NEEDS = 64;
/** UTF-16 units of what an error says to people. */
export const MAX_ERROR_MESSAGE = 4096;
/** Points of a series that patterns are compared with. */
export const MAX_PATTERN_POINTS = 10_000;
/** Patterns in one report. */
export const MAX_SIMILAR = 100;
/** Nesting of maps and arrays in one MessagePack value. */
export const MAX_DEPTH = 32;
/** Values in one MessagePack value, keys included: bounds the memory that a decoded message can take (about 64 bytes each). */
export const MAX_VALUES = 4 * 1024 * 1024;
/** A payload above this many bytes gets a stream of its own. */
export const OWN_STREAM_THRESHOLD_BYTES = 64 * 1024;

/** After how much a connection is used up: transport state grows with each stream, and keys wear out with bytes. */
export interface RecycleLimits {
  /** Opened by either side. */
  readonly streams: number;
  /** Of messages, in both directions. */
  readonly bytes: number;
}

/**
 * Each stream leaves some 20 bytes behind on both sides for as long as its connection lives. And AES-GCM may protect 2^23
 * packets with one key (RFC 9001 §6.6), which the QUIC library never changes: 4 GiB are 3.4 million packets of 1,350 bytes.
 */
export const DEFAULT_RECYCLE: RecycleLimits = { streams: 50_000, bytes: 4 * 2 ** 30 };

/** MessagePack extension types: arrays of numbers, little-endian, end to end. `bytes`: of one element. */
export const EXTENSIONS = [
  { type: 1, name: 'float64', bytes: 8 },
  { type: 2, name: 'float32', bytes: 4 },
  { type: 3, name: 'int32', bytes: 4 },
  { type: 4, name: 'uint32', bytes: 4 },
  { type: 5, name: 'int16', bytes: 2 },
  { type: 6, name: 'uint16', bytes: 2 },
  { type: 7, name: 'int8', bytes: 1 },
] as const;
