import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { TlsMaterial } from '../certificate.js';
import type { EchoClient, PeerServer } from './peer.js';

/** WebSocket over TLS 1.3 (`wss`), without compression: as encrypted as QUIC is. */
export async function startWsServer(tls: TlsMaterial): Promise<PeerServer> {
  const https = createServer({ key: tls.key, cert: tls.cert, minVersion: 'TLSv1.3' });
  const server = new WebSocketServer({ server: https, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (message) => socket.send(message));
    socket.on('error', () => socket.terminate());
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  return {
    address: `127.0.0.1:${(https.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => https.close(resolve));
    },
  };
}

export async function connectWsEcho(address: string, tls: TlsMaterial): Promise<EchoClient> {
  const socket = new WebSocket(`wss://${address}/`, {
    ca: tls.ca,
    minVersion: 'TLSv1.3',
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  let handleReply: (reply: Uint8Array) => void = () => undefined;
  socket.on('message', (reply) => {
    if (Buffer.isBuffer(reply)) handleReply(reply);
  });
  return {
    exchange(message, onReply) {
      handleReply = onReply;
      socket.send(message);
    },
    close: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
