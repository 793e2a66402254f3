import {
  type ConnectionHandler,
  createQuicConnector,
  listenQuic,
  type SessionCache,
  type TransportConnection,
} from '../../../../src/transport/index.js';
import { SERVER_NAME, type TlsMaterial } from '../certificate.js';
import { byteStreamEcho, byteStreamTransfer, type OpenByteStream, ServedStream } from './byte-stream.js';
import type { BulkClient, EchoClient, PeerServer } from './peer.js';

/** Bytes of UDP payload, or `auto`: large on loopback, 1350 elsewhere. */
export type UdpPayload = number | 'auto';

export const MAX_STREAMS = 2000;

export async function startQuicServer(
  tls: TlsMaterial,
  udpPayload: UdpPayload,
  busyPoll?: boolean,
): Promise<PeerServer> {
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    // An echo may be replayed: early data is safe here.
    tls: { key: tls.key, cert: tls.cert, earlyData: true },
    udpPayload,
    maxStreams: MAX_STREAMS,
    ...(busyPoll === undefined ? {} : { busyPoll }),
  });
  listener.onConnection((connection) => connection.setHandler(serve));
  return { address: listener.address, close: () => listener.close(0, 'done') };
}

const serve: ConnectionHandler = {
  onEstablished: () => undefined,
  onStream: (stream) => {
    const served = new ServedStream(stream);
    stream.setHandler({
      onData: (bytes) => served.handleData(bytes),
      onEnd: () => served.handleEnd(),
      onReset: (code) => stream.reset(code),
      onStopped: () => undefined,
      onDrain: () => undefined,
      onClosed: () => undefined,
    });
  },
  onClosed: () => undefined,
};

/** A client connection and the socket it owns. */
export class QuicClient {
  readonly #connector: ReturnType<typeof createQuicConnector>;
  readonly #connection: TransportConnection;
  readonly #closed: Promise<void>;
  #ending = 'connection closed';
  /** Rejects when the connection ends before it was established. */
  readonly established: Promise<void>;

  /** Starts to connect; streams may be opened at once, their data leaves as soon as it may. */
  constructor(
    address: string,
    tls: TlsMaterial,
    udpPayload: UdpPayload,
    {
      sessions,
      busyPoll,
    }: { readonly sessions?: SessionCache | undefined; readonly busyPoll?: boolean | undefined } = {},
  ) {
    this.#connector = createQuicConnector({
      tls: { ca: tls.ca },
      serverName: SERVER_NAME,
      udpPayload,
      ...(busyPoll === undefined ? {} : { busyPoll }),
      ...(sessions === undefined ? {} : { sessions, earlyData: true }),
      onHandlerError: (_connection, error) => {
        throw error;
      },
    });
    this.#connection = this.#connector.connect(address);
    let resolveClosed: () => void = () => undefined;
    this.#closed = new Promise((resolve) => {
      resolveClosed = resolve;
    });
    this.established = new Promise((resolve, reject) => {
      this.#connection.setHandler({
        onEstablished: resolve,
        onStream: (stream) => stream.reset(0),
        onClosed: ({ by, layer, code, reason }) => {
          this.#ending = `connection closed by ${by}: ${layer} ${code} ${reason}`;
          reject(new Error(this.#ending));
          resolveClosed();
        },
      });
    });
    // Whoever does not wait for the handshake sees its failure on its streams.
    this.established.catch(() => undefined);
  }

  get resumed(): boolean {
    return this.#connection.stats().resumed;
  }

  get earlyData(): boolean {
    return this.#connection.stats().earlyData;
  }

  readonly open: OpenByteStream = (events) => {
    let ending = '';
    return this.#connection.openStream({
      onData: (bytes) => events.onData(bytes),
      onDrain: () => events.onDrain(),
      onEnd: () => {
        ending = 'the server ended it';
      },
      onReset: (code) => {
        ending = `the server reset it with ${code}`;
      },
      onStopped: (code) => {
        ending = `the server stopped it with ${code}`;
      },
      // The connection is told why it ended after its streams are told that they did.
      onClosed: () => queueMicrotask(() => events.onClosed(ending || this.#ending)),
    });
  };

  async close(): Promise<void> {
    this.#connection.close(0, 'done');
    await this.#closed;
    await this.#connector.close();
  }
}

export async function connectQuic(
  address: string,
  tls: TlsMaterial,
  udpPayload: UdpPayload,
  busyPoll?: boolean,
): Promise<QuicClient> {
  const client = new QuicClient(address, tls, udpPayload, { busyPoll });
  await client.established;
  return client;
}

export async function connectQuicEcho(
  address: string,
  tls: TlsMaterial,
  messageBytes: number,
  busyPoll?: boolean,
): Promise<EchoClient> {
  const client = await connectQuic(address, tls, 'auto', busyPoll);
  const echo = byteStreamEcho(client.open, messageBytes);
  return { exchange: echo.exchange, close: () => client.close() };
}

/** One connection for all transfers, a stream for each. */
export async function connectQuicBulk(
  address: string,
  tls: TlsMaterial,
  udpPayload: UdpPayload,
): Promise<BulkClient> {
  const client = await connectQuic(address, tls, udpPayload);
  return { transfer: byteStreamTransfer(client.open), close: () => client.close() };
}
