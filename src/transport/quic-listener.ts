import { randomBytes } from 'node:crypto';
import { formatAddress, type DatagramHandler, type DatagramPort } from './datagram-port.js';
import { HandshakeRate } from './handshake-rate.js';
import { Keylog } from './keylog.js';
import { NativeConnection, writeRetry, writeVersionNegotiation, type HostPort } from './native.js';
import { PrefixView } from './prefix-view.js';
import { isLongHeader, parseLongHeader, type LongHeader } from './packet-header.js';
import { READ_BUFFER_BYTES, type ConnectionHost } from './connection-host.js';
import { QuicConnection } from './quic-connection.js';
import { RetryTokens } from './retry-token.js';
import { ServerConfigs } from './server-configs.js';
import { StatelessResets } from './stateless-reset.js';
import { datagramBytes, MIN_DATAGRAM_BYTES, withDefaults, type TransportSettings } from './settings.js';
import {
  RESET_KEY_BYTES,
  type CloseInfo,
  type TransportConnection,
  type TransportListener,
} from './transport.js';
import { TurnScheduler } from './turn-scheduler.js';
import { bindUdpPort } from './udp-port.js';

const QUIC_VERSION_1 = 1;
/** Our connection ids: long enough that they cannot be guessed, short enough to read as one Map key. */
const CID_BYTES = 8;
/** Handshakes under way from which on a client must first prove its address (Retry). */
const RETRY_FROM_HANDSHAKES = 128;
/** Handshakes under way above which new ones are dropped: the bound of the memory that strangers can take. */
const MAX_HANDSHAKES = 4096;

/**
 * Connections at once whose early data is handed over before their handshake is complete; that of others waits for it.
 * A recorded flight costs its sender nothing: this bounds what replays of it can make the layers above hold.
 */
const MAX_EARLY_CONNECTIONS = 256;

/** Why a datagram was dropped; the keys of `dropped`. */
export type DropReason =
  | 'malformed'
  | 'unknown-connection'
  | 'initial-too-short'
  | 'invalid-token'
  | 'too-many-connections'
  | 'handshake-rate'
  | 'not-accepting'
  | 'undecryptable';

/** Connections with early data since the start. */
export interface EarlyCounters {
  /** Early data was handed over before the handshake was complete. */
  readonly accepted: number;
  /** Of these, the handshake never completed: the path was lost, or somebody has sent a recorded flight again. */
  readonly unfinished: number;
  /** Too many were under way: their early data waited for the end of the handshake. */
  readonly deferred: number;
}

/** Of a listener: address, certificate, who may connect. */
export interface QuicListenerOptions extends Partial<TransportSettings> {
  /** IP address to bind; `0.0.0.0` or `::` for all. */
  readonly host: string;
  readonly port: number;
  readonly tls: {
    /** PEM. */
    readonly key: string;
    readonly cert: string;
    /** PEM: authorities of client certificates. */
    readonly ca?: string;
    readonly requireClientCert?: boolean;
    /** TICKET_KEY_BYTES; the same key lets a restarted server resume sessions. Random when missing. See `setTicketKey`. */
    readonly ticketKey?: Uint8Array;
    /** Accept 0-RTT data. It is replayable: the user must accept only idempotent requests in it. */
    readonly earlyData?: boolean;
  };
  /** `auto`: clients must prove their address once many handshakes are under way. */
  readonly retry?: 'auto' | 'always' | 'never';
  readonly maxConnections?: number;
  /**
   * New connections a second from one IPv4 address or IPv6 /64 network, after a burst of as many. What is over it must
   * prove its address (Retry); as many of those are taken again, and the rest is dropped. Missing: no bound.
   */
  readonly handshakeRate?: number;
  /** A new connection was dropped for `handshakeRate`. */
  readonly onHandshakeDropped?: (address: string) => void;
  /** A handshake that came to nothing: wrong ALPN, untrusted or missing client certificate, timeout. */
  readonly onHandshakeFailed?: (address: string, info: CloseInfo) => void;
  /** A handler threw. */
  readonly onHandlerError?: (connection: TransportConnection, error: unknown) => void;
  /** Instead of a UDP socket (tests). */
  readonly socket?: DatagramPort;
}

/** What a server presents, and whom it believes. PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  /** Authorities of client certificates; missing: those of before. */
  readonly ca?: string;
}

/** A bound UDP socket that takes connections, and what it has counted. */
export interface QuicListener extends TransportListener {
  readonly connections: number;
  /** Handshakes under way, those with early data among them. */
  readonly handshakes: number;
  readonly early: EarlyCounters;
  setTicketKey(key: Uint8Array): void;
  setResetKey(key: Uint8Array): void;
  /**
   * For connections to come; those that live go on.
   * @throws the TLS library's error for what is no valid PEM or does not fit, and then nothing has changed
   */
  setIdentity(identity: ServerIdentity): void;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly retriesSent: number;
  /** Answers to packets of connections that are not known (RFC 9000 §10.3). */
  readonly resetsSent: number;
}

/** Binds and serves. Rejects with ListenError when the address cannot be bound, or with the TLS library's error. */
export async function listenQuic(options: QuicListenerOptions): Promise<QuicListener> {
  // TLS first: a key that does not fit must not leave a bound socket behind.
  const keylog = Keylog.fromEnvironment();
  const configs = new ServerConfigs(options, keylog !== null);
  const port = options.socket ?? (await bindUdpPort({ host: options.host, port: options.port }));
  return new Listener(port, configs, options, keylog);
}

class Listener implements QuicListener, DatagramHandler, ConnectionHost {
  readonly readView = new PrefixView(Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));
  readonly dropped: Record<DropReason, number> = {
    malformed: 0,
    'unknown-connection': 0,
    'initial-too-short': 0,
    'invalid-token': 0,
    'too-many-connections': 0,
    'handshake-rate': 0,
    'not-accepting': 0,
    undecryptable: 0,
  };
  readonly early = { accepted: 0, unfinished: 0, deferred: 0 };
  retriesSent = 0;
  private readonly settings: TransportSettings;
  /** By our connection id, and until the handshake is over also by the id the client chose; both as latin1 text. */
  private readonly byCid = new Map<string, QuicConnection>();
  private readonly keysOf = new Map<QuicConnection, string[]>();
  private readonly inHandshake = new Set<QuicConnection>();
  /** Those of `inHandshake` that were handed over for their early data. */
  private readonly withEarlyData = new Set<QuicConnection>();
  private readonly deferred = new WeakSet<QuicConnection>();
  private readonly scheduler: TurnScheduler;
  private readonly tokens = new RetryTokens(performance.now());
  private readonly resets = new StatelessResets(randomBytes(RESET_KEY_BYTES));
  private readonly rate: HandshakeRate | null;
  private accept: ((connection: TransportConnection) => void) | null = null;
  private accepting = true;
  private sequence = 0;

  constructor(
    private readonly port: DatagramPort,
    private readonly configs: ServerConfigs,
    private readonly options: QuicListenerOptions,
    private readonly keylog: Keylog | null,
  ) {
    this.settings = withDefaults(options);
    this.scheduler = new TurnScheduler(false, this.settings.busyPoll);
    this.rate = options.handshakeRate === undefined ? null : new HandshakeRate(options.handshakeRate);
    port.setHandler(this);
  }

  get address(): string {
    return formatAddress(this.port.host, this.port.port);
  }

  get connections(): number {
    return this.keysOf.size;
  }

  get resetsSent(): number {
    return this.resets.sent;
  }

  get handshakes(): number {
    return this.inHandshake.size;
  }

  onConnection(accept: (connection: TransportConnection) => void): void {
    this.accept = accept;
  }

  onTurn(hook: () => void): void {
    this.scheduler.hook = hook;
  }

  setTicketKey(key: Uint8Array): void {
    this.configs.setTicketKey(key);
  }

  setResetKey(key: Uint8Array): void {
    this.resets.setKey(key);
  }

  setIdentity(identity: ServerIdentity): void {
    this.configs.setIdentity(identity);
  }

  stopAccepting(): void {
    this.accepting = false;
  }

  async close(code: number, reason: string): Promise<void> {
    this.accepting = false;
    this.scheduler.stop();
    for (const connection of [...this.keysOf.keys()]) {
      connection.close(code, reason);
      // The turn sends CONNECTION_CLOSE; nothing waits for its acknowledgement, which the protocol does not have.
      connection.turn();
      connection.drop({ by: 'local', layer: 'application', code, reason });
    }
    this.scheduler.stop();
    this.keylog?.close();
    await this.port.close();
  }

  // ---- DatagramHandler

  onDatagram(datagram: Buffer, host: string, port: number): void {
    if (!isLongHeader(datagram)) {
      const connection =
        datagram.length > CID_BYTES
          ? this.byCid.get(datagram.toString('latin1', 1, 1 + CID_BYTES))
          : undefined;
      if (connection === undefined) this.refuseUnknown(datagram, host, port);
      else if (connection.receive(datagram, host, port) !== null) this.dropped.undecryptable++;
      return;
    }
    const header = parseLongHeader(datagram);
    if (header === null) {
      this.dropped.malformed++;
      return;
    }
    const known = this.byCid.get(cidKey(header.dcid));
    if (known !== undefined) {
      if (known.receive(datagram, host, port) !== null) this.dropped.undecryptable++;
      return;
    }
    this.greet(datagram, header, host, port);
  }

  onSendError(): void {
    // An unconnected socket cannot say whose datagram it was; connections find out by their own timers.
  }

  onWritable(): void {
    for (const connection of this.keysOf.keys()) connection.unthrottle();
  }

  // ---- ConnectionHost

  get sendBuffer(): Buffer {
    return this.port.sendBuffer;
  }

  received(connection: QuicConnection): void {
    this.scheduler.received(connection);
  }

  schedule(connection: QuicConnection): void {
    this.scheduler.schedule(connection);
  }

  scheduleNext(connection: QuicConnection): void {
    this.scheduler.scheduleNext(connection);
  }

  delay(connection: QuicConnection): void {
    this.scheduler.delay(connection);
  }

  transmit(length: number, to: HostPort): boolean {
    return this.port.send(length, to.host, to.port);
  }

  established(connection: QuicConnection): void {
    this.inHandshake.delete(connection);
    if (!this.withEarlyData.delete(connection)) this.accept?.(connection);
    const keys = this.keysOf.get(connection);
    const chosenByClient = keys?.splice(1) ?? [];
    for (const key of chosenByClient) this.byCid.delete(key);
  }

  admitEarly(connection: QuicConnection): boolean {
    if (this.withEarlyData.has(connection)) return true;
    if (this.deferred.has(connection)) return false;
    if (this.withEarlyData.size >= MAX_EARLY_CONNECTIONS) {
      this.early.deferred++;
      this.deferred.add(connection);
      return false;
    }
    this.early.accepted++;
    this.withEarlyData.add(connection);
    this.accept?.(connection);
    return true;
  }

  released(connection: QuicConnection): void {
    this.inHandshake.delete(connection);
    if (this.withEarlyData.delete(connection)) this.early.unfinished++;
    for (const key of this.keysOf.get(connection) ?? []) this.byCid.delete(key);
    this.keysOf.delete(connection);
    this.scheduler.forget(connection);
  }

  handlerFailed(connection: QuicConnection, error: unknown): void {
    this.options.onHandlerError?.(connection, error);
  }

  // ---- strangers

  private refuseUnknown(datagram: Buffer, host: string, port: number): void {
    this.dropped['unknown-connection']++;
    if (!this.accepting || this.accept === null) return;
    const cid = datagram.subarray(1, 1 + CID_BYTES);
    const length = this.resets.write(this.port.sendBuffer, cid, datagram.length, performance.now());
    if (length > 0) this.port.send(length, host, port);
  }

  private greet(datagram: Buffer, header: LongHeader, host: string, port: number): void {
    if (header.version !== QUIC_VERSION_1 && header.version !== 0 && datagram.length >= MIN_DATAGRAM_BYTES) {
      // RFC 9000 §6.1. The answer is smaller than the question, so it amplifies nothing.
      const length = writeVersionNegotiation(header.scid, header.dcid, this.port.sendBuffer);
      this.port.send(length, host, port);
      return;
    }
    const reason = this.whyNotGreet(datagram, header);
    if (reason !== null) {
      this.dropped[reason]++;
      return;
    }
    if (header.token.length === 0 && (this.wantsRetry() || !this.isInTime(host, false))) {
      if (this.options.retry === 'never') this.dropForRate(host, port);
      else this.sendRetry(header, host, port);
      return;
    }
    let odcid: Uint8Array | null = null;
    if (header.token.length > 0) {
      odcid = this.tokens.open(header.token, formatAddress(host, port), header.dcid, performance.now());
      if (odcid === null) {
        this.dropped['invalid-token']++;
        return;
      }
      if (!this.isInTime(host, true)) {
        this.dropForRate(host, port);
        return;
      }
    }
    this.begin(datagram, header, odcid, host, port);
  }

  /** Only a client's first Initial may begin a connection; all else for an unknown id (0-RTT among them) is noise. */
  private whyNotGreet(datagram: Buffer, header: LongHeader): DropReason | null {
    if (header.type === 'version-negotiation' || header.type === 'retry') return 'malformed';
    if (datagram.length < MIN_DATAGRAM_BYTES) return 'initial-too-short';
    if (header.type !== 'initial') return 'unknown-connection';
    if (header.dcid.length < CID_BYTES) return 'malformed';
    if (!this.accepting || this.accept === null) return 'not-accepting';
    const full = this.keysOf.size >= (this.options.maxConnections ?? Infinity);
    return full || this.inHandshake.size >= MAX_HANDSHAKES ? 'too-many-connections' : null;
  }

  private wantsRetry(): boolean {
    const mode = this.options.retry ?? 'auto';
    return mode === 'always' || (mode === 'auto' && this.inHandshake.size >= RETRY_FROM_HANDSHAKES);
  }

  private isInTime(host: string, proven: boolean): boolean {
    return this.rate === null || this.rate.admits(host, proven, performance.now());
  }

  private dropForRate(host: string, port: number): void {
    this.dropped['handshake-rate']++;
    this.options.onHandshakeDropped?.(formatAddress(host, port));
  }

  private sendRetry(header: LongHeader, host: string, port: number): void {
    const scid = randomBytes(CID_BYTES);
    const token = this.tokens.seal(formatAddress(host, port), scid, header.dcid, performance.now());
    const length = writeRetry(header.scid, header.dcid, scid, token, header.version, this.port.sendBuffer);
    this.retriesSent++;
    this.port.send(length, host, port);
  }

  private begin(
    datagram: Buffer,
    header: LongHeader,
    odcid: Uint8Array | null,
    host: string,
    port: number,
  ): void {
    // After a Retry the client's destination id is the one we gave it, and stays ours.
    const scid = odcid === null ? randomBytes(CID_BYTES) : new Uint8Array(header.dcid);
    const size = datagramBytes(this.settings.udpPayload, host);
    const local = { host: this.port.host, port: this.port.port };
    const remote = { host, port };
    const native = NativeConnection.accept(
      scid,
      odcid,
      local,
      remote,
      this.configs.forSize(size),
      this.resets.tokenOf(scid),
    );
    const connection = new QuicConnection(native, this, {
      id: `s${String(++this.sequence)}`,
      role: 'server',
      local,
      remote,
      keepAliveMs: this.settings.keepAliveMs,
      handshakeTimeoutMs: this.settings.handshakeTimeoutMs,
      pathTimeoutMs: this.settings.pathTimeoutMs,
      datagramBytes: size,
      keylog: this.keylog,
      earlyData: this.options.tls.earlyData ?? false,
    });
    const keys = odcid === null ? [cidKey(scid), cidKey(header.dcid)] : [cidKey(scid)];
    for (const key of keys) this.byCid.set(key, connection);
    this.keysOf.set(connection, keys);
    this.inHandshake.add(connection);
    const error = connection.receive(datagram, host, port);
    if (error !== null && error !== 'TlsFail') {
      // Not a real Initial: its keys follow from the connection id, so a stranger's noise ends here, unheard. One that
      // TLS refuses is real, and has an answer to send first.
      this.dropped.undecryptable++;
      connection.drop({ by: 'local', layer: 'transport', code: 0, reason: 'noise' });
      return;
    }
    connection.setHandler({
      onEstablished: () => undefined,
      onStream: () => undefined,
      onClosed: (info) => this.options.onHandshakeFailed?.(formatAddress(host, port), info),
    });
  }
}

function cidKey(cid: Uint8Array): string {
  return Buffer.from(cid.buffer, cid.byteOffset, cid.byteLength).toString('latin1');
}
