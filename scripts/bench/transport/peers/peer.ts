import type { TlsMaterial } from '../certificate.js';

/** The far end of one protocol, running in its own process. */
export interface PeerServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  close(): Promise<void>;
}

export type StartPeerServer = (tls: TlsMaterial) => Promise<PeerServer>;

/** One message out, the same message back. */
export interface EchoClient {
  /** `message` may be reused after the call; `reply` is valid during `onReply` only. One exchange at a time. */
  exchange(message: Uint8Array, onReply: (reply: Uint8Array) => void): void;
  close(): Promise<void>;
}

/** What a receiver saw of a one-way transfer. */
export interface Received {
  readonly bytes: number;
  /** From the first byte to the last. */
  readonly elapsedMs: number;
}

/** Sends as fast as it can for about `durationMs` and resolves with what arrived. */
export interface BulkClient {
  transfer(durationMs: number): Promise<Received>;
  close(): Promise<void>;
}

export function gigabitsPerSecond({ bytes, elapsedMs }: Received): number {
  return (bytes * 8) / (elapsedMs * 1e6);
}

export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** A receiver's count on the wire: two big-endian doubles. */
export const RECEIVED_BYTES = 16;

export function encodeReceived({ bytes, elapsedMs }: Received): Buffer {
  const encoded = Buffer.alloc(RECEIVED_BYTES);
  encoded.writeDoubleBE(bytes, 0);
  encoded.writeDoubleBE(elapsedMs, 8);
  return encoded;
}

export function decodeReceived(encoded: Uint8Array): Received {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return { bytes: view.getFloat64(0), elapsedMs: view.getFloat64(8) };
}
