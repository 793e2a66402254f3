/**
 * The only file that touches the native QUIC object (quiche 0.18 inside @matrixai/quic).
 *
 * It gives the driver a typed, exception-free surface: results are numbers, errors are codes. The binding reports
 * errors as text (the Debug form of quiche::Error, such as `StreamReset(7)`); that text is parsed here and nowhere else.
 */
import { Shutdown } from '@matrixai/quic/native/types.js';
import type {
  Config,
  ConfigConstructor,
  Connection,
  ConnectionConstructor,
  PathEvent,
  PathStats,
  RecvInfo,
  Stats,
} from '@matrixai/quic/native/types.js';
import { UnsupportedPlatformError } from './errors.js';
import { assertKeyPair } from './key-pair.js';

interface NativeModule {
  readonly Config: ConfigConstructor;
  readonly Connection: ConnectionConstructor;
  negotiateVersion(scid: Uint8Array, dcid: Uint8Array, out: Uint8Array): number;
  retry(
    scid: Uint8Array,
    dcid: Uint8Array,
    newScid: Uint8Array,
    token: Uint8Array,
    version: number,
    out: Uint8Array,
  ): number;
}

const native = await loadNative();

async function loadNative(): Promise<NativeModule> {
  try {
    const module = (await import('@matrixai/quic/native/quiche.js')) as unknown as { default: NativeModule };
    return module.default;
  } catch (cause) {
    throw new UnsupportedPlatformError(process.platform, process.arch, cause);
  }
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * What a peer may send before anything of it was read: all that one can make us hold whom nobody listens to yet. The
 * native side doubles a window each time it is used up within two round trips, up to the configured one.
 */
const FIRST_STREAM_WINDOW_BYTES = 256 * 1024;
const FIRST_CONNECTION_WINDOW_BYTES = 1024 * 1024;

/** Everything a native TLS + QUIC configuration is made of. Certificates and keys are PEM text. */
export interface NativeConfigOptions {
  readonly role: 'server' | 'client';
  /** Verify the peer's certificate natively against `ca`. */
  readonly verifyPeer: boolean;
  /** Ask for the peer's certificate but let any pass: the caller compares it by itself. */
  readonly allowAnyPeer?: boolean;
  readonly ca?: string;
  readonly key?: string;
  readonly cert?: string;
  readonly alpn: string;
  /** 48 bytes: the key of TLS session tickets (server). */
  readonly ticketKey?: Uint8Array;
  readonly earlyData: boolean;
  readonly logKeys: boolean;
  readonly udpPayloadBytes: number;
  readonly idleTimeoutMs: number;
  readonly maxStreams: number;
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly congestion: 'cubic' | 'bbr' | 'reno';
}

export type NativeConfig = Config;

/** Throws when key, certificate or CA are not what TLS accepts, or key and certificate do not belong together. */
export function makeConfig(options: NativeConfigOptions): NativeConfig {
  if (options.key !== undefined && options.cert !== undefined) assertKeyPair(options.cert, options.key);
  const pem = (text: string) => new TextEncoder().encode(text);
  const config = native.Config.withBoringSslCtx(
    options.verifyPeer || options.allowAnyPeer === true,
    options.allowAnyPeer === true,
    options.ca === undefined ? null : pem(options.ca),
    options.key === undefined ? null : [pem(options.key)],
    options.cert === undefined ? null : [pem(options.cert)],
    null,
  );
  config.setApplicationProtos([options.alpn]);
  config.grease(true);
  if (options.logKeys) config.logKeys();
  if (options.ticketKey !== undefined) config.setTicketKey(options.ticketKey);
  if (options.earlyData) config.enableEarlyData();
  config.setMaxIdleTimeout(options.idleTimeoutMs);
  // Receive whatever UDP can carry; what we send is bounded by the path.
  config.setMaxRecvUdpPayloadSize(65527);
  config.setMaxSendUdpPayloadSize(options.udpPayloadBytes);
  config.setInitialMaxData(Math.min(options.connectionWindowBytes, FIRST_CONNECTION_WINDOW_BYTES));
  config.setMaxConnectionWindow(options.connectionWindowBytes);
  const firstStreamWindow = Math.min(options.streamWindowBytes, FIRST_STREAM_WINDOW_BYTES);
  config.setInitialMaxStreamDataBidiLocal(firstStreamWindow);
  config.setInitialMaxStreamDataBidiRemote(firstStreamWindow);
  config.setMaxStreamWindow(options.streamWindowBytes);
  config.setInitialMaxStreamDataUni(0);
  config.setInitialMaxStreamsUni(0);
  config.setInitialMaxStreamsBidi(options.maxStreams);
  config.setDisableActiveMigration(true);
  config.setActiveConnectionIdLimit(2);
  config.setCcAlgorithmName(options.congestion);
  // The binding gives pacing only as a hint per packet; an ignored hint skews quiche's RTT samples.
  config.enablePacing(false);
  return config;
}

/** Writes a Version Negotiation packet (RFC 9000 §17.2.1) into `out`; returns its length. */
export function writeVersionNegotiation(scid: Uint8Array, dcid: Uint8Array, out: Uint8Array): number {
  return native.negotiateVersion(scid, dcid, out);
}

/** Writes a Retry packet (RFC 9000 §17.2.5) into `out`; returns its length. */
export function writeRetry(
  scid: Uint8Array,
  dcid: Uint8Array,
  newScid: Uint8Array,
  token: Uint8Array,
  version: number,
  out: Uint8Array,
): number {
  return native.retry(scid, dcid, newScid, token, version, out);
}

/** Up to this many streams are asked one by one (0.2 µs each) rather than all through `readable` (10 µs a call). */
export const PROBE_STREAMS = 32;

/** Nothing to do now: no data, no capacity, or not yet allowed. */
export const DONE = -1;
/** The peer reset the stream; `code` holds its error code. */
export const RESET = -2;
/** The peer asked us to stop sending; `code` holds its error code. */
export const STOPPED = -3;
/** The peer's stream limit does not allow this stream yet. */
export const LIMITED = -4;
/** The stream no longer exists on this side. */
export const GONE = -5;

export interface NativeClose {
  readonly isApp: boolean;
  readonly code: number;
  readonly reason: string;
}

const ERROR_TEXT = /^([A-Za-z]+)(?:\((\d+)\))?$/;

/** One native connection. Methods return a count or one of the negative results above, and never throw. */
export class NativeConnection {
  /** Error code that came with RESET or STOPPED. */
  code = 0;
  /** Whether the last successful `streamRecv` reached the end of the stream. */
  fin = false;
  /** Where the last successful `send` wants its datagram to go. */
  to: HostPort = { host: '', port: 0 };

  private constructor(private readonly connection: Connection) {}

  static connect(
    serverName: string | null,
    scid: Uint8Array,
    local: HostPort,
    remote: HostPort,
    config: Config,
  ) {
    return new NativeConnection(native.Connection.connect(serverName, scid, local, remote, config));
  }

  /** `resetToken`: 16 bytes that the client is told (RFC 9000 §10.3); every later connection of `config` needs its own. */
  static accept(
    scid: Uint8Array,
    odcid: Uint8Array | null,
    local: HostPort,
    remote: HostPort,
    config: Config,
    resetToken: Buffer,
  ) {
    config.setStatelessResetToken(BigInt(`0x${resetToken.toString('hex')}`));
    return new NativeConnection(native.Connection.accept(scid, odcid, local, remote, config));
  }

  /** Processes one datagram; decrypts in place. Returns null, or the name of the error. */
  recv(datagram: Uint8Array, info: RecvInfo): string | null {
    try {
      this.connection.recv(datagram, info);
      return null;
    } catch (error) {
      return errorName(error);
    }
  }

  /**
   * Forgets what the library has noted for us about addresses the peer has used, and tells how much that was. It keeps
   * a note of every datagram from an address beyond the paths it has room for (CVE-2026-12707), until somebody asks.
   */
  dropPathEvents(): number {
    let dropped = 0;
    while (this.nextPathEvent() !== null) dropped++;
    return dropped;
  }

  /** The binding's types leave out that there may be none. */
  private nextPathEvent(): PathEvent | null {
    return this.connection.pathEventNext();
  }

  /** Writes the next datagram into `out`; returns its length or DONE. */
  send(out: Uint8Array): number {
    let sent;
    try {
      sent = this.connection.send(out);
    } catch {
      // The connection is closed or closing; `isClosed` and the error accessors tell more.
      return DONE;
    }
    if (sent === null) return DONE;
    this.to = sent[1].to;
    return sent[0];
  }

  streamRecv(id: number, out: Uint8Array): number {
    let received;
    try {
      received = this.connection.streamRecv(id, out);
    } catch (error) {
      return this.failure(error);
    }
    if (received === null) return DONE;
    this.fin = received[1];
    return received[0];
  }

  streamSend(id: number, bytes: Uint8Array, fin: boolean): number {
    try {
      return this.connection.streamSend(id, bytes, fin) ?? DONE;
    } catch (error) {
      return this.failure(error);
    }
  }

  /** 0 while the peer still reads, STOPPED with `code` when it asked us to stop, GONE when the stream is over. */
  streamStopped(id: number): number {
    try {
      this.connection.streamCapacity(id);
      return 0;
    } catch (error) {
      return this.failure(error);
    }
  }

  streamReadable(id: number): boolean {
    return this.connection.streamReadable(id);
  }

  isReadable(): boolean {
    return this.connection.isReadable();
  }

  /** Ids of all readable streams. About 10 µs a call: only for streams the driver does not know. */
  readable(): Iterable<number> {
    return this.connection.readable();
  }

  streamPriority(id: number, urgency: number, incremental: boolean): boolean {
    try {
      this.connection.streamPriority(id, urgency, incremental);
      return true;
    } catch {
      return false;
    }
  }

  /** Sends STOP_SENDING (`read`) or RESET_STREAM (`write`); a stream already over is left alone. */
  streamShutdown(id: number, side: 'read' | 'write', code: number): void {
    try {
      this.connection.streamShutdown(id, side === 'read' ? Shutdown.Read : Shutdown.Write, code);
    } catch {
      // Done or unknown stream: there is nothing left to shut down.
    }
  }

  close(isApp: boolean, code: number, reason: Uint8Array): void {
    try {
      this.connection.close(isApp, code, reason);
    } catch {
      // Closed or draining already.
    }
  }

  /** Milliseconds until `onTimeout` is due, rounded down; null when no timer runs. */
  timeout(): number | null {
    return this.connection.timeout();
  }

  onTimeout(): void {
    this.connection.onTimeout();
  }

  /** Makes the next flush carry a PING when nothing else asks for an acknowledgement. */
  ping(): void {
    try {
      this.connection.sendAckEliciting();
    } catch {
      // Closed already.
    }
  }

  setKeylog(path: string): void {
    this.connection.setKeylog(path);
  }

  /** Returns false when the session is not one this TLS library understands. */
  setSession(session: Uint8Array): boolean {
    try {
      this.connection.setSession(session);
      return true;
    } catch {
      return false;
    }
  }

  session(): Uint8Array | null {
    return this.connection.session();
  }

  isEstablished(): boolean {
    return this.connection.isEstablished();
  }

  isInEarlyData(): boolean {
    return this.connection.isInEarlyData();
  }

  isResumed(): boolean {
    return this.connection.isResumed();
  }

  isDraining(): boolean {
    return this.connection.isDraining();
  }

  isClosed(): boolean {
    return this.connection.isClosed();
  }

  isTimedOut(): boolean {
    return this.connection.isTimedOut();
  }

  peerError(): NativeClose | null {
    return toClose(this.connection.peerError());
  }

  localError(): NativeClose | null {
    return toClose(this.connection.localError());
  }

  stats(): Stats {
    return this.connection.stats();
  }

  activePath(): PathStats | null {
    const paths = this.connection.pathStats();
    return paths.find((path) => path.active) ?? paths[0] ?? null;
  }

  /** DER form of the peer's leaf certificate, or null. */
  peerLeaf(): Uint8Array | null {
    return this.connection.peerCertChain()?.[0] ?? null;
  }

  private failure(error: unknown): number {
    const match = ERROR_TEXT.exec(error instanceof Error ? error.message : '');
    this.code = Number(match?.[2] ?? 0);
    switch (match?.[1]) {
      case 'StreamReset':
        return RESET;
      case 'StreamStopped':
        return STOPPED;
      case 'StreamLimit':
        return LIMITED;
      case 'Done':
        return DONE;
      default:
        return GONE;
    }
  }
}

function errorName(error: unknown): string {
  return ERROR_TEXT.exec(error instanceof Error ? error.message : '')?.[1] ?? 'Unknown';
}

function toClose(
  error: { isApp: boolean; errorCode: number; reason: Uint8Array } | null,
): NativeClose | null {
  if (error === null) return null;
  // The reason is the peer's bytes: decoded leniently, cut to what the interface promises.
  const reason = Buffer.from(error.reason).subarray(0, 1024).toString('utf8');
  return { isApp: error.isApp, code: error.errorCode, reason };
}
