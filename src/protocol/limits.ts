/** Limits that both daemons share; docs/protocol.md lists them. */

export const ALPN = 'neural-trader-quic';
/** Protocol versions this build speaks, best first. */
export const PROTOCOL_VERSIONS = [1] as const;
/** Bytes of a frame's body (the part after its 4-byte length). */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** A frame before the handshake is accepted: nobody may make us hold more. */
export const MAX_HANDSHAKE_BYTES = 16 * 1024;
/** Nesting of maps and arrays in one MessagePack value. */
export const MAX_DEPTH = 32;
/** A payload above this many bytes gets a stream of its own. */
export const OWN_STREAM_THRESHOLD_BYTES = 64 * 1024;
