import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { MAX_DATAGRAM_BYTES, type DatagramHandler, type DatagramPort } from './datagram-port.js';
import { ListenError } from './errors.js';
import { freeMemory } from './free-memory.js';
import { PrefixView } from './prefix-view.js';

/** The default of about 200 kB loses packets in bursts; the kernel caps this at its own maximum. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** Datagrams that wait for room in the kernel; with so many no more are taken. */
const MAX_QUEUED_DATAGRAMS = 64;

export interface UdpPortOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Set for a client: the socket hears only this peer and is told when nobody listens there. */
  readonly connectTo?: { readonly host: string; readonly port: number };
}

/** Binds a UDP socket. Rejects with ListenError (EADDRINUSE, EACCES, EADDRNOTAVAIL, …). `host` is an IP address. */
export async function bindUdpPort(options: UdpPortOptions): Promise<DatagramPort> {
  const family = isIPv6(options.host) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // Addresses here are IP addresses already; dgram would ask DNS for every datagram.
    lookup: (hostname, _options, callback) => callback(null, hostname, family),
  });
  const { host, port, connectTo } = options;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(new ListenError(error.code ?? 'UNKNOWN', `${host}:${String(port)}`, error.message));
    };
    socket.once('error', fail);
    socket.bind({ address: host, port, exclusive: true }, () => {
      if (connectTo === undefined) {
        socket.off('error', fail);
        resolve();
        return;
      }
      socket.connect(connectTo.port, connectTo.host, (error?: Error) => {
        socket.off('error', fail);
        if (error === undefined) resolve();
        else fail(error);
      });
    });
  });
  return new UdpPort(socket, connectTo !== undefined);
}

/** Of all ports: a datagram is with the kernel when `send` returns, and the next one may be any port's. */
let shared = new PrefixView(Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES));

class UdpPort implements DatagramPort {
  readonly host: string;
  readonly port: number;
  private handler: DatagramHandler | null = null;
  private closed = false;
  private roomTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly socket: Socket,
    private readonly connected: boolean,
  ) {
    const { address, port } = socket.address();
    this.host = address;
    this.port = port;
    socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
      this.handler?.onDatagram(datagram, from.address, from.port);
      freeMemory(datagram);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.handler?.onSendError(error.code ?? 'UNKNOWN'));
  }

  get sendBuffer(): Buffer {
    return shared.buffer;
  }

  setHandler(handler: DatagramHandler): void {
    this.handler = handler;
  }

  send(length: number, host: string, port: number): boolean {
    if (this.closed) return true;
    if (this.socket.getSendQueueCount() >= MAX_QUEUED_DATAGRAMS) {
      this.awaitRoom();
      return false;
    }
    const bytes = shared.of(length);
    if (this.connected) this.socket.send(bytes);
    else this.socket.send(bytes, port, host);
    // dgram hands the datagram to the kernel before `send` returns, unless the socket is full: then it keeps the
    // buffer and sends it later, and this one must not be written to again.
    if (this.socket.getSendQueueCount() > 0)
      shared = new PrefixView(Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES));
    return true;
  }

  private awaitRoom(): void {
    this.roomTimer ??= setTimeout(() => {
      this.roomTimer = null;
      if (this.closed) return;
      if (this.socket.getSendQueueCount() < MAX_QUEUED_DATAGRAMS / 2) this.handler?.onWritable();
      else this.awaitRoom();
    }, 1);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.roomTimer !== null) clearTimeout(this.roomTimer);
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}
