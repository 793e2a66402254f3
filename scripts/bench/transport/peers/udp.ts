import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import {
  type BulkClient,
  decodeReceived,
  type EchoClient,
  encodeReceived,
  type PeerServer,
  type Received,
  splitAddress,
} from './peer.js';

/** The first byte of a datagram says what the server does with it. */
const ECHO = 0x45;
const COUNT = 0x43;
/** Asks for the count; the next counted datagram starts a new one. */
const REPORT = 0x52;

const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** Datagrams handed to the socket and not yet confirmed: enough to keep it busy, too few for ENOBUFS. */
const IN_FLIGHT = 64;
const REPORT_INTERVAL_MS = 20;

export async function startUdpServer(): Promise<PeerServer> {
  const socket = openSocket();
  let bytes = 0;
  let firstAt = 0;
  let lastAt = 0;
  let reported = true;
  socket.on('message', (datagram, from) => {
    switch (datagram[0]) {
      case COUNT:
        lastAt = performance.now();
        if (reported) {
          firstAt = lastAt;
          bytes = 0;
          reported = false;
        }
        bytes += datagram.length;
        break;
      case REPORT:
        socket.send(encodeReceived({ bytes, elapsedMs: lastAt - firstAt }), from.port, from.address);
        reported = true;
        break;
      default:
        socket.send(datagram, from.port, from.address);
    }
  });
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  return { address: `127.0.0.1:${socket.address().port}`, close: () => closeSocket(socket) };
}

export async function connectUdpEcho(address: string): Promise<EchoClient> {
  const socket = await connectedSocket(address);
  let handleReply: (reply: Uint8Array) => void = () => undefined;
  socket.on('message', (reply) => handleReply(reply));
  return {
    exchange(message, onReply) {
      handleReply = onReply;
      const datagram = Buffer.from(message);
      datagram[0] = ECHO;
      socket.send(datagram);
    },
    close: () => closeSocket(socket),
  };
}

/** One-way datagrams of one size. Counts what arrived: what the receiver was too slow for is lost and not counted. */
export async function connectUdpBulk(address: string, datagramBytes: number): Promise<BulkClient> {
  const socket = await connectedSocket(address);
  const datagram = Buffer.alloc(datagramBytes, 0x61);
  datagram[0] = COUNT;
  return {
    transfer: async (durationMs) => {
      await flood(socket, datagram, durationMs);
      return askForCount(socket);
    },
    close: () => closeSocket(socket),
  };
}

function flood(socket: Socket, datagram: Buffer, durationMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = performance.now() + durationMs;
    let inFlight = 0;
    const fill = () => {
      while (inFlight < IN_FLIGHT && performance.now() < deadline) {
        inFlight++;
        socket.send(datagram, sent);
      }
      if (inFlight === 0) resolve();
    };
    const sent = (error: Error | null) => {
      inFlight--;
      // A full buffer drops the datagram, as it would on the way; anything else ends the measurement.
      if (error !== null && !isNoBuffers(error)) reject(error);
      else if (inFlight <= IN_FLIGHT / 2) fill();
    };
    fill();
  });
}

/** The request queues behind the flood in the receiver's buffer, and may be dropped like it: so it is repeated. */
async function askForCount(socket: Socket): Promise<Received> {
  const ask = () => socket.send(Buffer.of(REPORT));
  const repeat = setInterval(ask, REPORT_INTERVAL_MS);
  try {
    ask();
    const [reply] = (await once(socket, 'message')) as [Buffer];
    return decodeReceived(reply);
  } finally {
    clearInterval(repeat);
  }
}

function isNoBuffers(error: Error): boolean {
  return 'code' in error && (error.code === 'ENOBUFS' || error.code === 'EAGAIN');
}

function openSocket(): Socket {
  return createSocket({
    type: 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // Calls back at once: `listening` and `connect` are emitted before bind and connect return.
    lookup: (host, _options, callback) => callback(null, host, 4),
  });
}

async function connectedSocket(address: string): Promise<Socket> {
  const { host, port } = splitAddress(address);
  const socket = openSocket();
  const connected = once(socket, 'connect');
  socket.connect(port, host);
  await connected;
  return socket;
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
