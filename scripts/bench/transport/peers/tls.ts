import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { SERVER_NAME, type TlsMaterial } from '../certificate.js';
import {
  type ByteStreamEvents,
  byteStreamEcho,
  byteStreamTransfer,
  type ByteStream,
  ServedStream,
} from './byte-stream.js';
import { type BulkClient, type EchoClient, type PeerServer, splitAddress } from './peer.js';

/** TLS 1.3 over TCP with TCP_NODELAY on both sides, as a user of `node:tls` sets it up for messages. */
export async function startTlsServer(tls: TlsMaterial): Promise<PeerServer> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { key: tls.key, cert: tls.cert, minVersion: 'TLSv1.3', noDelay: true, allowHalfOpen: true },
    (socket) => {
      sockets.add(socket);
      const served = new ServedStream(streamOf(socket));
      socket.on('data', (bytes: Buffer) => served.handleData(bytes));
      socket.on('end', () => served.handleEnd());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function connectTlsEcho(
  address: string,
  tls: TlsMaterial,
  messageBytes: number,
): Promise<EchoClient> {
  const socket = await dial(address, tls);
  const echo = byteStreamEcho((events) => attach(socket, events), messageBytes);
  return {
    exchange: echo.exchange,
    close: async () => {
      const closed = once(socket, 'close');
      echo.end();
      await closed;
    },
  };
}

/** Each transfer has a connection of its own, made before its clock starts. */
export function tlsBulk(address: string, tls: TlsMaterial): BulkClient {
  return {
    transfer: async (durationMs) => {
      const socket = await dial(address, tls);
      const received = await byteStreamTransfer((events) => attach(socket, events))(durationMs);
      socket.destroy();
      return received;
    },
    close: () => Promise.resolve(),
  };
}

async function dial(address: string, tls: TlsMaterial): Promise<TLSSocket> {
  const { host, port } = splitAddress(address);
  const socket = connect({ host, port, ca: tls.ca, servername: SERVER_NAME, minVersion: 'TLSv1.3' });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  return socket;
}

function attach(socket: TLSSocket, events: ByteStreamEvents): ByteStream {
  let failure = 'closed';
  socket.on('data', (bytes: Buffer) => events.onData(bytes));
  socket.on('drain', () => events.onDrain());
  socket.on('error', (error: Error) => {
    failure = error.message;
  });
  socket.on('close', () => events.onClosed(failure));
  return streamOf(socket);
}

function streamOf(socket: TLSSocket): ByteStream {
  // The socket keeps the buffer until it is written; the callers' views are reused only after the reply to them.
  return { write: (bytes) => socket.write(bytes), end: () => void socket.end() };
}
