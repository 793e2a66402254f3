/** Largest UDP payload over IPv4, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507;

/** A bound UDP socket as the endpoints know it. Tests put an in-memory network behind the same interface. */
export interface DatagramPort {
  readonly host: string;
  readonly port: number;
  /** Where the next datagram is written before `send`; `send` may put another buffer in its place. */
  readonly sendBuffer: Buffer;
  /**
   * Sends the first `length` bytes of `sendBuffer`. Returns false when it was not taken because too many wait already:
   * go on after `onWritable` (QUIC sends the lost content again).
   */
  send(length: number, host: string, port: number): boolean;
  setHandler(handler: DatagramHandler): void;
  close(): Promise<void>;
}

/** Whom a port tells what arrives. */
export interface DatagramHandler {
  /** `datagram` may be changed in place, and is valid during the call only. */
  onDatagram(datagram: Buffer, host: string, port: number): void;
  /** The local system says that the last datagram reached nobody (ICMP port unreachable, no route). */
  onSendError(code: string): void;
  onWritable(): void;
}

/** `127.0.0.1:5000`, `[::1]:5000`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

/** True for an address of this machine's loopback: 127.0.0.0/8, ::1, and IPv4-mapped forms of the former. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
