import type { X509Certificate } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { parseAddress, resolveHost, type Address } from './address.js';
import type { DatagramHandler, DatagramPort } from './datagram-port.js';
import { Keylog } from './keylog.js';
import { makeConfig, NativeConnection, type HostPort, type NativeConfig } from './native.js';
import { PrefixView } from './prefix-view.js';
import { READ_BUFFER_BYTES, type ConnectionHost } from './connection-host.js';
import { QuicConnection } from './quic-connection.js';
import type { SessionCache } from './session-cache.js';
import { datagramBytes, withDefaults, type TransportSettings } from './settings.js';
import type { TransportConnection } from './transport.js';
import { TurnScheduler } from './turn-scheduler.js';
import { bindUdpPort } from './udp-port.js';

/** How the server's certificate is trusted: by authorities, by fingerprint, or (development only) not at all. */
export interface ClientTls {
  /** PEM: one or more authorities. */
  readonly ca?: string;
  /** SHA-256 of the server's leaf certificate: 64 hex digits, with or without colons. Replaces `ca`. */
  readonly fingerprint?: string;
  readonly insecure?: boolean;
  /** PEM: the client's own certificate and key, for mutual TLS. */
  readonly cert?: string;
  readonly key?: string;
}

/** Of a connector: trust, identity, transport settings. */
export interface QuicConnectorOptions extends Partial<TransportSettings> {
  readonly tls: ClientTls;
  /** Name the certificate must carry, instead of the host that is connected to. */
  readonly serverName?: string;
  /** Resume sessions, with the tickets kept here. Default: none is resumed. */
  readonly sessions?: SessionCache;
  /**
   * With a ticket, what is written before the handshake is complete leaves at once as early (0-RTT) data, which others
   * may record and send again: write only what may be repeated. Default false: it waits for the end of the handshake.
   */
  readonly earlyData?: boolean;
  /** A handler threw. */
  readonly onHandlerError?: (connection: TransportConnection, error: unknown) => void;
  /** Instead of a UDP socket of its own for each connection (tests). */
  readonly openPort?: (to: Address) => Promise<DatagramPort>;
}

/** Opens connections to coordinators, each with a UDP socket of its own. */
export interface QuicConnector {
  /**
   * `HOST:PORT`. Returns at once; what fails, fails in `onClosed`. Throws only when `address` is malformed.
   * `sessions`: instead of the connector's, for one that connects in several names.
   */
  connect(address: string, sessions?: SessionCache): TransportConnection;
  /**
   * For connections to come; those that live go on.
   * @throws the TLS library's error for what is no valid PEM or does not fit, and then nothing has changed
   */
  setTls(tls: ClientTls): void;
  /** Closes what is still open, without waiting for peers. */
  close(): Promise<void>;
}

/** The socket is connected, so the path inside QUIC needs no real addresses: they only have to stay the same. */
const PATH: HostPort = { host: '127.0.0.1', port: 1 };

/** Throws the TLS library's error when certificate, key or authorities are not valid PEM. */
export function createQuicConnector(options: QuicConnectorOptions): QuicConnector {
  return new Connector(options);
}

class Connector implements QuicConnector {
  readonly readView = new PrefixView(Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));
  readonly scheduler: TurnScheduler;
  readonly settings: TransportSettings;
  private readonly configs = new Map<number, NativeConfig>();
  private readonly keylog = Keylog.fromEnvironment();
  private readonly live = new Set<ClientHost>();
  private tls: ClientTls;
  private sequence = 0;

  constructor(readonly options: QuicConnectorOptions) {
    this.settings = withDefaults(options);
    this.scheduler = new TurnScheduler(true, this.settings.busyPoll);
    this.tls = options.tls;
    this.config(datagramBytes(this.settings.udpPayload, '127.0.0.1'));
  }

  setTls(tls: ClientTls): void {
    const before = this.tls;
    const made = new Map(this.configs);
    this.tls = tls;
    this.configs.clear();
    try {
      this.config(datagramBytes(this.settings.udpPayload, '127.0.0.1'));
    } catch (error) {
      this.tls = before;
      for (const [size, config] of made) this.configs.set(size, config);
      throw error;
    }
  }

  connect(address: string, sessions = this.options.sessions): TransportConnection {
    const target = parseAddress(address);
    if (target === null) throw new TypeError(`'${address}' is not HOST:PORT`);
    const size = datagramBytes(
      this.settings.udpPayload,
      target.host === 'localhost' ? '127.0.0.1' : target.host,
    );
    const { tls } = this;
    const name = this.options.serverName ?? target.host;
    // TLS matches names as DNS names only: an IP address is compared by `checkPeer`.
    const byName = isIP(name) === 0;
    const native = NativeConnection.connect(
      byName ? name : null,
      randomBytes(8),
      PATH,
      PATH,
      this.config(size),
    );
    const cached = sessions?.get(address);
    if (cached !== undefined && !native.setSession(cached)) sessions?.delete(address);
    const host = new ClientHost(this, target);
    const connection = new QuicConnection(native, host, {
      id: `c${String(++this.sequence)}`,
      role: 'client',
      local: PATH,
      remote: PATH,
      peerName: address,
      keepAliveMs: this.settings.keepAliveMs,
      handshakeTimeoutMs: this.settings.handshakeTimeoutMs,
      pathTimeoutMs: this.settings.pathTimeoutMs,
      datagramBytes: size,
      keylog: this.keylog,
      earlyData: this.options.earlyData ?? false,
      checkPeer: (leaf) => checkServer(leaf, tls, byName ? null : name),
      ...(sessions === undefined ? {} : { onSession: (session) => sessions.set(address, session) }),
    });
    this.live.add(host);
    host.start(connection);
    return connection;
  }

  async close(): Promise<void> {
    const closing = [...this.live].map((host) => host.closeNow());
    await Promise.all(closing);
    this.scheduler.stop();
    this.keylog?.close();
  }

  forget(host: ClientHost): void {
    this.live.delete(host);
  }

  private config(udpPayloadBytes: number): NativeConfig {
    let config = this.configs.get(udpPayloadBytes);
    if (config === undefined) {
      const { tls } = this;
      const { earlyData } = this.options;
      config = makeConfig({
        ...this.settings,
        role: 'client',
        verifyPeer: tls.insecure !== true && tls.fingerprint === undefined,
        // With a fingerprint the certificate itself is the trust: asked for, compared in `checkServer`.
        allowAnyPeer: tls.insecure !== true && tls.fingerprint !== undefined,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.key === undefined || tls.cert === undefined ? {} : { key: tls.key, cert: tls.cert }),
        earlyData: earlyData ?? false,
        logKeys: this.keylog !== null,
        udpPayloadBytes,
      });
      this.configs.set(udpPayloadBytes, config);
    }
    return config;
  }
}

/** One client connection's socket. */
class ClientHost implements ConnectionHost, DatagramHandler {
  private port: DatagramPort | null = null;
  private connection: QuicConnection | null = null;
  private over = false;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly owner: Connector,
    private readonly target: Address,
  ) {}

  get readView(): PrefixView {
    return this.owner.readView;
  }

  get sendBuffer(): Buffer {
    return this.port?.sendBuffer ?? Buffer.alloc(0);
  }

  start(connection: QuicConnection): void {
    this.connection = connection;
    const open = this.owner.options.openPort ?? openConnectedPort;
    open(this.target).then(
      (port) => {
        this.port = port;
        if (this.over) {
          this.closing = port.close();
          return;
        }
        port.setHandler(this);
        this.scheduleNext(connection);
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        connection.drop({ by: 'timeout', layer: 'transport', code: 0, reason: why });
      },
    );
  }

  async closeNow(): Promise<void> {
    const { connection } = this;
    if (connection !== null && !this.over) {
      connection.close(0, '');
      if (this.port !== null) connection.turn();
      connection.drop({ by: 'local', layer: 'application', code: 0, reason: '' });
    }
    await this.closing;
  }

  onDatagram(datagram: Buffer): void {
    this.connection?.receive(datagram, PATH.host, PATH.port);
  }

  onSendError(code: string): void {
    this.connection?.refused(code);
  }

  onWritable(): void {
    this.connection?.unthrottle();
  }

  received(connection: QuicConnection): void {
    this.owner.scheduler.received(connection);
  }

  schedule(connection: QuicConnection): void {
    if (this.port !== null) this.owner.scheduler.schedule(connection);
  }

  scheduleNext(connection: QuicConnection): void {
    if (this.port !== null) this.owner.scheduler.scheduleNext(connection);
  }

  delay(connection: QuicConnection): void {
    this.owner.scheduler.delay(connection);
  }

  transmit(length: number): boolean {
    return this.port?.send(length, this.target.host, this.target.port) ?? true;
  }

  established(): void {
    // A client has nothing to do for it.
  }

  admitEarly(): boolean {
    return false;
  }

  released(connection: QuicConnection): void {
    this.over = true;
    this.owner.scheduler.forget(connection);
    this.owner.forget(this);
    this.closing = this.port?.close() ?? null;
  }

  handlerFailed(connection: QuicConnection, error: unknown): void {
    this.owner.options.onHandlerError?.(connection, error);
  }
}

async function openConnectedPort(to: Address): Promise<DatagramPort> {
  const host = await resolveHost(to.host);
  return bindUdpPort({
    host: isIP(host) === 6 ? '::' : '0.0.0.0',
    port: 0,
    connectTo: { host, port: to.port },
  });
}

/** The part of the server's identity that TLS did not check. Returns why it is refused, or null. */
function checkServer(leaf: X509Certificate | null, tls: ClientTls, ip: string | null): string | null {
  if (tls.insecure === true) return null;
  // A resumed session may carry no certificate: its ticket came from a server that was checked.
  if (leaf === null) return null;
  if (tls.fingerprint !== undefined) {
    const wanted = tls.fingerprint.replaceAll(':', '').toLowerCase();
    const actual = leaf.fingerprint256.replaceAll(':', '').toLowerCase();
    return wanted === actual ? null : `the server's certificate has the fingerprint ${actual}, not ${wanted}`;
  }
  if (ip !== null && leaf.checkIP(ip) === undefined) {
    return `the server's certificate is not for ${ip} (it is for ${leaf.subjectAltName ?? 'nothing'})`;
  }
  return null;
}
