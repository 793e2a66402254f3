import type {
  CloseInfo,
  ConnectionHandler,
  ConnectionState,
  ConnectionStats,
  PeerCertificate,
  StreamHandler,
  TransportConnection,
  TransportConnector,
  TransportListener,
  TransportStream,
} from '../../src/transport/transport.js';

/** The part of a clock that the network runs on. */
interface Timers {
  now(): number;
  setTimer(at: number, run: () => void): () => void;
}

const HIGH_WATER_BYTES = 256 * 1024;
const LOW_WATER_BYTES = 64 * 1024;
const STREAM_WINDOW_BYTES = 1024 * 1024;
const IDLE: CloseInfo = { by: 'timeout', layer: 'transport', code: 0, reason: 'idle timeout' };

/**
 * Connections between two sides of one process, in virtual time: reliable, ordered in each direction, `delayMs`
 * one way. As on a real one, bytes leave at the end of the turn, a stream appears at the peer with its first byte,
 * and `close` drops what has not left yet.
 */
export class MemoryNetwork {
  /** One-way delay of everything sent from now on. */
  delayMs: number;
  /** How long an address where nobody listens stays unanswered before the attempt ends. */
  connectTimeoutMs = 1000;
  /** Every connection that came about, oldest first. */
  readonly links: MemoryLink[] = [];
  /** Addresses in the order they were tried. */
  readonly attempts: string[] = [];
  /** A client's writes leave before the handshake is complete, and reach the server before `onEstablished`. */
  earlyData = false;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #refusals = new Map<string, CloseInfo>();

  constructor(
    readonly timers: Timers,
    options: { readonly delayMs?: number } = {},
  ) {
    this.delayMs = options.delayMs ?? 1;
  }

  listen(address: string): TransportListener {
    const listener = new MemoryListener(this, address, () => this.#listeners.delete(address));
    this.#listeners.set(address, listener);
    return listener;
  }

  /** Every attempt to reach `address` from now on ends with `info`, as a failed TLS handshake does; null ends that. */
  refuse(address: string, info: CloseInfo | null): void {
    if (info === null) this.#refusals.delete(address);
    else this.#refusals.set(address, info);
  }

  readonly connector: TransportConnector = (address) => {
    this.attempts.push(address);
    const link = new MemoryLink(this, address);
    const refusal = this.#refusals.get(address);
    const listener = this.#listeners.get(address);
    if (refusal !== undefined) {
      this.timers.setTimer(this.timers.now() + 2 * this.delayMs, () => link.end(refusal, refusal));
    } else if (listener === undefined) {
      this.timers.setTimer(this.timers.now() + this.connectTimeoutMs, () => link.end(IDLE, IDLE));
    } else {
      this.links.push(link);
      link.onArrival = () => listener.turn();
      link.client.speaks = this.earlyData;
      link.carry(() => {
        if (!listener.accept(link.server)) return;
        link.server.speaks = this.earlyData;
        link.carry(() => {
          // Set before the client speaks, so that it reaches the server before the client's first bytes.
          link.carry(() => link.server.establish());
          link.client.establish();
        });
      });
    }
    return link.client;
  };
}

/** One connection, seen from outside: its two ends and what can happen between them. */
export class MemoryLink {
  readonly client: MemoryConnection;
  readonly server: MemoryConnection;
  onArrival: () => void = () => undefined;
  #stalled: (() => void)[] | null = null;
  #lastArrival = 0;
  #ended = false;

  constructor(
    readonly network: MemoryNetwork,
    readonly address: string,
  ) {
    this.client = new MemoryConnection(this, 'client');
    this.server = new MemoryConnection(this, 'server');
  }

  get open(): boolean {
    return !this.#ended;
  }

  /** The path is gone: both sides see an idle timeout at once. */
  cut(): void {
    this.network.timers.setTimer(this.network.timers.now(), () => this.end(IDLE, IDLE));
  }

  /** Nothing arrives any more and nobody is told; `flow` lets what was held arrive. */
  stall(): void {
    this.#stalled ??= [];
  }

  flow(): void {
    const held = this.#stalled ?? [];
    this.#stalled = null;
    for (const arrive of held) this.carry(arrive);
  }

  /** Runs `arrive` one delay from now, after all that was sent before; never once the connection is over. */
  carry(arrive: () => void): void {
    const { timers, delayMs } = this.network;
    this.#lastArrival = Math.max(this.#lastArrival, timers.now() + delayMs);
    timers.setTimer(this.#lastArrival, () => {
      if (this.#ended) return;
      if (this.#stalled !== null) {
        this.#stalled.push(arrive);
        return;
      }
      arrive();
      this.onArrival();
    });
  }

  end(clientSees: CloseInfo, serverSees: CloseInfo): void {
    if (this.#ended) return;
    this.#ended = true;
    this.client.finish(clientSees);
    this.server.finish(serverSees);
  }
}

class MemoryListener implements TransportListener {
  turn: () => void = () => undefined;
  readonly #accepted: MemoryConnection[] = [];
  #accept: ((connection: TransportConnection) => void) | null = null;

  constructor(
    readonly network: MemoryNetwork,
    readonly address: string,
    readonly release: () => void,
  ) {}

  onConnection(accept: (connection: TransportConnection) => void): void {
    this.#accept = accept;
  }

  onTurn(hook: () => void): void {
    this.turn = hook;
  }

  accept(connection: MemoryConnection): boolean {
    if (this.#accept === null) return false;
    this.#accepted.push(connection);
    this.#accept(connection);
    return true;
  }

  stopAccepting(): void {
    this.release();
    this.#accept = null;
  }

  close(code: number, reason: string): Promise<void> {
    this.stopAccepting();
    for (const connection of this.#accepted) connection.close(code, reason);
    return Promise.resolve();
  }
}

let connections = 0;

export class MemoryConnection implements TransportConnection {
  readonly id: string;
  readonly streams: MemoryStream[] = [];
  state: ConnectionState = 'handshaking';
  certificate: PeerCertificate | null = null;
  /** What is written may leave; before the handshake is complete it waits. */
  speaks = false;
  /** Something was sent (client) or came (server) before the handshake was complete. */
  early = false;
  #heardAt: number;
  #handler: ConnectionHandler | null = null;
  #nextStream: number;

  constructor(
    readonly link: MemoryLink,
    readonly side: 'client' | 'server',
  ) {
    this.id = `memory-${++connections}`;
    this.#nextStream = side === 'client' ? 0 : 1;
    this.#heardAt = link.network.timers.now();
  }

  get silentMs(): number {
    return this.link.network.timers.now() - this.#heardAt;
  }

  /** Something of the peer has arrived. */
  hear(): void {
    this.#heardAt = this.link.network.timers.now();
  }

  get remoteAddress(): string {
    return this.side === 'client' ? this.link.address : '127.0.0.1:40000';
  }

  get peer(): MemoryConnection {
    return this.side === 'client' ? this.link.server : this.link.client;
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  openStream(handler: StreamHandler): MemoryStream {
    const here = new MemoryStream(this, this.#nextStream, true);
    const there = new MemoryStream(this.peer, this.#nextStream, false);
    this.#nextStream += 4;
    here.peer = there;
    there.peer = here;
    here.setHandler(handler);
    this.streams.push(here);
    if (this.state === 'closing' || this.state === 'closed') here.lose();
    return here;
  }

  close(code: number, reason: string): void {
    if (this.state === 'closing' || this.state === 'closed') return;
    this.state = 'closing';
    const close = { layer: 'application', code, reason } as const;
    const { timers } = this.link.network;
    this.link.carry(() => this.peer.finish({ by: 'peer', ...close }));
    timers.setTimer(timers.now(), () => this.finish({ by: 'local', ...close }));
  }

  stats(): ConnectionStats {
    return {
      rttMs: 2 * this.link.network.delayMs,
      congestionWindowBytes: STREAM_WINDOW_BYTES,
      packetsSent: 0,
      packetsReceived: 0,
      packetsLost: 0,
      bytesSent: 0,
      bytesReceived: 0,
      bytesLost: 0,
      streamsOpen: this.streams.length,
      streamsOpened: this.streams.length,
      datagramSize: 1350,
      resumed: false,
      earlyData: this.early,
    };
  }

  peerCertificate(): PeerCertificate | null {
    return this.certificate;
  }

  establish(): void {
    if (this.state !== 'handshaking') return;
    this.state = 'established';
    this.speaks = true;
    this.#handler?.onEstablished();
    for (const stream of this.streams) stream.flush();
  }

  announce(stream: MemoryStream): void {
    this.streams.push(stream);
    if (this.state === 'handshaking') this.early = true;
    this.#handler?.onStream(stream, this.state === 'handshaking');
  }

  finish(info: CloseInfo): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const stream of this.streams) stream.lose();
    this.#handler?.onClosed(info);
  }
}

export class MemoryStream implements TransportStream {
  peer: MemoryStream = this;
  /** What `setPriority` was last called with. */
  priority: { readonly urgency: number; readonly incremental: boolean } | null = null;
  bufferedBytes = 0;
  #handler: StreamHandler | null = null;
  #announced: boolean;
  #sending: 'open' | 'ending' | 'over' = 'open';
  #receiving: 'open' | 'stopped' | 'over' = 'open';
  #closed = false;
  #paused = false;
  #flushSet = false;
  #wantsDrain = false;
  /** Sent and not yet read by the peer. */
  #unread = 0;
  #out: Uint8Array[] = [];
  #in: Uint8Array[] = [];
  #endArrived = false;

  constructor(
    readonly connection: MemoryConnection,
    readonly id: number,
    readonly local: boolean,
  ) {
    this.#announced = local;
  }

  setHandler(handler: StreamHandler): void {
    this.#handler = handler;
  }

  writeLater(bytes: Uint8Array): boolean {
    return this.write(bytes);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#sending !== 'open' || !this.#writable) return false;
    this.#out.push(Uint8Array.from(bytes));
    this.bufferedBytes += bytes.byteLength;
    this.#flushSoon();
    if (this.bufferedBytes > HIGH_WATER_BYTES) this.#wantsDrain = true;
    return !this.#wantsDrain;
  }

  end(): void {
    if (this.#sending !== 'open') return;
    this.#sending = 'ending';
    this.#flushSoon();
  }

  reset(code: number): void {
    if (this.#sending === 'over') return;
    this.#sendingOver();
    this.#carry(() => this.peer.#receiveReset(code));
  }

  stop(code: number): void {
    if (this.#receiving !== 'open') return;
    this.#receiving = 'stopped';
    this.#in = [];
    this.#carry(() => this.peer.#receiveStop(code));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const { timers } = this.connection.link.network;
    timers.setTimer(timers.now(), () => this.#read());
  }

  setPriority(urgency: number, incremental: boolean): void {
    this.priority = { urgency, incremental };
  }

  /** The connection is gone. */
  lose(): void {
    this.#out = [];
    this.#in = [];
    this.#sending = 'over';
    this.#receiving = 'over';
    this.#close();
  }

  get #writable(): boolean {
    return this.connection.state === 'handshaking' || this.connection.state === 'established';
  }

  #carry(arrive: () => void): void {
    this.connection.link.carry(() => {
      this.peer.connection.hear();
      this.peer.#announce();
      if (this.peer.connection.state !== 'closed') arrive();
    });
  }

  #announce(): void {
    if (this.#announced || this.connection.state === 'closed') return;
    this.#announced = true;
    this.connection.announce(this);
  }

  #flushSoon(): void {
    if (this.#flushSet) return;
    this.#flushSet = true;
    const { timers } = this.connection.link.network;
    timers.setTimer(timers.now(), () => {
      this.#flushSet = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#sending === 'over' || !this.#writable || !this.connection.speaks) return;
    const room = STREAM_WINDOW_BYTES - this.#unread;
    const all = Buffer.concat(this.#out);
    const leaving = all.subarray(0, room);
    this.#out = leaving.length < all.length ? [all.subarray(room)] : [];
    this.bufferedBytes = all.length - leaving.length;
    if (leaving.length > 0) {
      if (this.connection.state === 'handshaking' && this.local) this.connection.early = true;
      this.#unread += leaving.length;
      this.#carry(() => this.peer.#receive(leaving));
    }
    if (this.#sending === 'ending' && this.#out.length === 0) {
      this.#sendingOver();
      this.#carry(() => this.peer.#receiveEnd());
    }
    if (this.#wantsDrain && this.bufferedBytes < LOW_WATER_BYTES) {
      this.#wantsDrain = false;
      this.#handler?.onDrain();
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#receiving === 'open') this.#in.push(bytes);
    else this.#carry(() => this.peer.#credit(bytes.length));
    this.#read();
  }

  #read(): void {
    while (!this.#paused && this.#receiving === 'open') {
      const bytes = this.#in.shift();
      if (bytes === undefined) {
        if (this.#endArrived) {
          this.#receiving = 'over';
          this.#handler?.onEnd();
          this.#closeWhenOver();
        }
        return;
      }
      this.#carry(() => this.peer.#credit(bytes.length));
      this.#handler?.onData(bytes);
      // A view kept beyond the call is a fault of the reader: make it show.
      bytes.fill(0xee);
    }
  }

  #credit(bytes: number): void {
    this.#unread -= bytes;
    this.flush();
  }

  #receiveEnd(): void {
    this.#endArrived = true;
    if (this.#receiving === 'stopped') {
      this.#receiving = 'over';
      this.#closeWhenOver();
    } else this.#read();
  }

  #receiveReset(code: number): void {
    if (this.#receiving === 'over') return;
    const told = this.#receiving === 'open';
    this.#receiving = 'over';
    this.#in = [];
    if (told) this.#handler?.onReset(code);
    this.#closeWhenOver();
  }

  #receiveStop(code: number): void {
    if (this.#sending === 'over') return;
    this.#handler?.onStopped(code);
    this.reset(code);
  }

  #sendingOver(): void {
    this.#sending = 'over';
    this.#out = [];
    this.bufferedBytes = 0;
    const { timers } = this.connection.link.network;
    timers.setTimer(timers.now(), () => this.#closeWhenOver());
  }

  #closeWhenOver(): void {
    if (this.#sending === 'over' && this.#receiving === 'over') this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler?.onClosed();
  }
}
