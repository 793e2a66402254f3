import type { Test } from 'tap';
import {
  createQuicConnector,
  listenQuic,
  type QuicConnectorOptions,
  type QuicListenerOptions,
  type QuicListener,
  type QuicConnector,
} from '../../src/transport/index.js';
import type {
  CloseInfo,
  ConnectionHandler,
  StreamHandler,
  TransportConnection,
  TransportStream,
} from '../../src/transport/transport.js';
import { testCertificates } from './certificates.js';
import { MemoryNetwork } from './memory-network.js';

/** A stream handler that keeps what it hears and lets tests await it. */
export class StreamProbe implements StreamHandler {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  drained = 0;
  ended = deferred<undefined>();
  reset = deferred<number>();
  stopped = deferred<number>();
  closed = deferred<undefined>();
  private readonly waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  private readonly drainWaiters: (() => void)[] = [];

  constructor(private readonly keep = true) {}

  onData(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.keep) this.chunks.push(Buffer.from(bytes));
    for (const waiter of this.waiting.filter(({ count }) => this.bytes >= count)) waiter.resolve();
  }
  onEnd(): void {
    this.ended.resolve(undefined);
  }
  onReset(code: number): void {
    this.reset.resolve(code);
  }
  onStopped(code: number): void {
    this.stopped.resolve(code);
  }
  onDrain(): void {
    this.drained++;
    for (const waiter of this.drainWaiters.splice(0)) waiter();
  }
  onClosed(): void {
    this.closed.resolve(undefined);
  }

  get data(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Resolves once `count` bytes in all have arrived. */
  async received(count: number): Promise<void> {
    if (this.bytes >= count) return;
    await new Promise<void>((resolve) => this.waiting.push({ count, resolve }));
  }

  nextDrain(): Promise<void> {
    return new Promise((resolve) => this.drainWaiters.push(resolve));
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

export function deferred<T>(): Deferred<T> {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, resolve: settle };
}

/** A connection handler that keeps what it hears. */
export class ConnectionProbe implements ConnectionHandler {
  readonly established = deferred<undefined>();
  readonly closed = deferred<CloseInfo>();
  readonly early: boolean[] = [];
  private readonly streams: { stream: TransportStream; probe: StreamProbe }[] = [];
  private readonly waiting: ((opened: { stream: TransportStream; probe: StreamProbe }) => void)[] = [];

  constructor(private readonly onOpened?: (stream: TransportStream, probe: StreamProbe) => void) {}

  onEstablished(): void {
    this.established.resolve(undefined);
  }
  onStream(stream: TransportStream, early: boolean): void {
    const probe = new StreamProbe();
    stream.setHandler(probe);
    this.early.push(early);
    this.onOpened?.(stream, probe);
    const waiter = this.waiting.shift();
    if (waiter === undefined) this.streams.push({ stream, probe });
    else waiter({ stream, probe });
  }
  onClosed(info: CloseInfo): void {
    this.closed.resolve(info);
  }

  /** The next stream the peer opens, or one it has opened already. */
  async nextStream(): Promise<{ stream: TransportStream; probe: StreamProbe }> {
    const opened = this.streams.shift();
    return opened ?? (await new Promise((resolve) => this.waiting.push(resolve)));
  }
}

export interface AcceptedConnection {
  readonly server: TransportConnection;
  readonly serverProbe: ConnectionProbe;
}

export interface QuicPair {
  readonly network: MemoryNetwork;
  readonly listener: QuicListener;
  readonly connector: QuicConnector;
  readonly failures: CloseInfo[];
  readonly handlerErrors: unknown[];
  /** Opens a connection and returns both of its ends once it is established. */
  connect(): Promise<{
    client: TransportConnection;
    server: TransportConnection;
    clientProbe: ConnectionProbe;
    serverProbe: ConnectionProbe;
  }>;
  /** The next connection as the server sees it, established or not. */
  nextServer(): Promise<AcceptedConnection>;
}

/** Listener and connector over an in-memory network, closed when the test ends. */
export async function quicPair(
  t: Test,
  options: {
    readonly network?: MemoryNetwork;
    readonly server?: Partial<QuicListenerOptions>;
    readonly client?: Partial<QuicConnectorOptions>;
    readonly onServerStream?: (stream: TransportStream, probe: StreamProbe) => void;
  } = {},
): Promise<QuicPair> {
  const certificates = await testCertificates();
  const network = options.network ?? new MemoryNetwork();
  const failures: CloseInfo[] = [];
  const handlerErrors: unknown[] = [];
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    tls: certificates.server,
    socket: options.server?.socket ?? network.open('127.0.0.1', 5000),
    onHandshakeFailed: (_address, info) => failures.push(info),
    onHandlerError: (_connection, error) => handlerErrors.push(error),
    ...options.server,
  });
  const connector = createQuicConnector({
    tls: { ca: certificates.ca },
    openPort: () => Promise.resolve(network.open()),
    onHandlerError: (_connection, error) => handlerErrors.push(error),
    ...options.client,
  });
  const accepted: AcceptedConnection[] = [];
  const waiting: ((accepted: AcceptedConnection) => void)[] = [];
  listener.onConnection((server) => {
    const serverProbe = new ConnectionProbe(options.onServerStream);
    server.setHandler(serverProbe);
    const waiter = waiting.shift();
    if (waiter === undefined) accepted.push({ server, serverProbe });
    else waiter({ server, serverProbe });
  });
  const nextServer = async () => {
    const first = accepted.shift();
    return first ?? (await new Promise<AcceptedConnection>((resolve) => waiting.push(resolve)));
  };
  t.teardown(async () => {
    await connector.close();
    await listener.close(0, '');
    network.close();
  });
  return {
    network,
    listener,
    connector,
    failures,
    handlerErrors,
    nextServer,
    connect: async () => {
      const client = connector.connect('127.0.0.1:5000');
      const clientProbe = new ConnectionProbe();
      client.setHandler(clientProbe);
      const { server, serverProbe } = await nextServer();
      await Promise.all([clientProbe.established.promise, serverProbe.established.promise]);
      return { client, server, clientProbe, serverProbe };
    },
  };
}
