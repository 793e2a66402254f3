import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { DatagramHandler } from '../../src/transport/datagram-port.js';
import { QuicConnection } from '../../src/transport/quic-connection.js';
import { seededRandom } from '../support/impairment.js';
import { MemoryNetwork, type MemoryPort } from '../support/memory-network.js';
import { quicPair, StreamProbe, type QuicPair } from '../support/quic-pair.js';

const SERVER_PORT = 5000;

function attacker(network: MemoryNetwork): {
  port: MemoryPort;
  send: (datagram: Uint8Array) => void;
  heard: Buffer[];
} {
  const port = network.open('127.0.0.9', 6666);
  const heard: Buffer[] = [];
  const handler: DatagramHandler = {
    onDatagram: (datagram) => void heard.push(Buffer.from(datagram)),
    onSendError: () => undefined,
    onWritable: () => undefined,
  };
  port.setHandler(handler);
  const send = (datagram: Uint8Array) => {
    port.sendBuffer.set(datagram);
    port.send(datagram.length, '127.0.0.1', SERVER_PORT);
  };
  return { port, send, heard };
}

/** Delivers each datagram to the server from a port that was never used before, once it is `restless`. */
class RestlessNetwork extends MemoryNetwork {
  restless = false;

  override carry(from: MemoryPort, datagram: Buffer, host: string, port: number): void {
    const away = this.restless && port === SERVER_PORT;
    super.carry(away ? this.open('127.0.0.2') : from, datagram, host, port);
  }
}

/** Resolves when all that was sent so far has been taken in: the network delivers in order. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function stillServes(t: Test, pair: QuicPair): Promise<void> {
  const { client, serverProbe } = await pair.connect();
  client.openStream(new StreamProbe()).write(Buffer.from('well'));
  const { probe } = await serverProbe.nextStream();
  await probe.received(4);
  t.equal(probe.data.toString(), 'well');
}

function longHeader(first: number, version: number, dcid: Uint8Array, rest: Uint8Array): Buffer {
  const head = Buffer.alloc(6);
  head[0] = first;
  head.writeUInt32BE(version, 1);
  head[5] = dcid.length;
  return Buffer.concat([head, dcid, Buffer.from([0]), rest]);
}

t.test('random datagrams of any length are dropped and counted', async (t) => {
  const pair = await quicPair(t);
  const { send } = attacker(pair.network);
  const random = seededRandom(7);
  for (let i = 0; i < 20_000; i++) {
    const datagram = randomBytes(Math.floor(random() * 1500));
    if (i % 2 === 0 && datagram.length > 0) datagram[0] = (datagram[0] ?? 0) | 0xc0;
    // Half of the long headers claim to be version 1 Initials.
    if (i % 4 === 0 && datagram.length > 5) datagram.writeUInt32BE(1, 1);
    send(datagram);
  }
  await settled();
  t.equal(pair.listener.connections, 0);
  const dropped = Object.values(pair.listener.dropped).reduce((sum, n) => sum + n, 0);
  t.ok(dropped > 15_000, `${String(dropped)} dropped`);
  await stillServes(t, pair);
});

t.test('a 0-RTT packet for an unknown connection does nothing', async (t) => {
  const pair = await quicPair(t);
  const { send, heard } = attacker(pair.network);
  send(longHeader(0xd0, 1, randomBytes(8), randomBytes(1300)));
  send(longHeader(0xd0, 1, randomBytes(20), Buffer.alloc(1300)));
  await settled();
  t.equal(pair.listener.dropped['unknown-connection'], 2);
  t.equal(pair.listener.connections, 0);
  t.same(heard, []);
  await stillServes(t, pair);
});

t.test('forged Initials leave nothing behind', async (t) => {
  const pair = await quicPair(t);
  const { send } = attacker(pair.network);
  for (let i = 0; i < 2000; i++) {
    send(
      longHeader(0xc3, 1, randomBytes(8), Buffer.concat([Buffer.from([0, 0x44, 0x9e]), randomBytes(1250)])),
    );
  }
  await settled();
  t.equal(pair.listener.connections, 0);
  t.equal(pair.listener.dropped.undecryptable, 2000);
  t.same(pair.failures, [], 'noise is counted, not reported as failed handshakes');
});

t.test(
  'short Initials, short ids and forged tokens are dropped before anything is made for them',
  async (t) => {
    const pair = await quicPair(t);
    const { send } = attacker(pair.network);
    send(longHeader(0xc3, 1, randomBytes(8), Buffer.alloc(500)));
    send(longHeader(0xc3, 1, randomBytes(7), Buffer.alloc(1300)));
    send(longHeader(0xc3, 1, randomBytes(8), Buffer.concat([Buffer.from([16]), randomBytes(1300)])));
    await settled();
    t.match(pair.listener.dropped, { 'initial-too-short': 1, malformed: 1, 'invalid-token': 1 });
  },
);

t.test(
  'an unknown version is answered with the one we speak, and nothing larger than the question',
  async (t) => {
    const pair = await quicPair(t);
    const { send, heard } = attacker(pair.network);
    send(longHeader(0xc0, 0x1a2a3a4a, randomBytes(8), Buffer.alloc(1300)));
    send(longHeader(0xc0, 0x1a2a3a4a, randomBytes(8), Buffer.alloc(100)));
    await settled();
    t.equal(heard.length, 1);
    t.equal(heard[0]?.readUInt32BE(1), 0, 'Version Negotiation');
    t.ok(heard[0]?.includes(Buffer.from([0, 0, 0, 1])));
    t.ok((heard[0]?.length ?? Infinity) < 1300);
  },
);

t.test('a flood of handshakes from strangers is met with Retry', async (t) => {
  const network = new MemoryNetwork();
  network.recording = true;
  const pair = await quicPair(t, { network });
  await pair.connect();
  // A real first flight, sent again under many other connection ids would not decrypt; so real clients are used.
  const flights: Buffer[] = [];
  for (let i = 0; i < 200; i++) {
    const before = network.log.length;
    pair.connector.connect('127.0.0.1:5999');
    await settled();
    const flight = network.log[before]?.datagram;
    if (flight !== undefined) flights.push(flight);
  }
  const { send, heard } = attacker(network);
  for (const flight of flights) send(flight);
  await settled();
  t.ok(pair.listener.handshakes <= 128, `${String(pair.listener.handshakes)} half-open`);
  t.ok(pair.listener.retriesSent >= 60);
  t.ok(heard.length > 0);
  await stillServes(t, pair);
});

t.test('a captured conversation sent again changes nothing', async (t) => {
  const network = new MemoryNetwork();
  network.recording = true;
  const pair = await quicPair(t, { network });
  const { client, serverProbe } = await pair.connect();
  client.openStream(new StreamProbe()).write(Buffer.from('once'));
  const { probe } = await serverProbe.nextStream();
  await probe.received(4);
  const captured = network.log.filter(({ to }) => to === SERVER_PORT).map(({ datagram }) => datagram);
  const { send } = attacker(network);
  for (let round = 0; round < 5; round++) for (const datagram of captured) send(datagram);
  await settled();
  t.equal(probe.data.toString(), 'once');
  client.openStream(new StreamProbe()).write(Buffer.from('more'));
  const next = await serverProbe.nextStream();
  await next.probe.received(4);
  t.equal(next.probe.data.toString(), 'more', 'the connection goes on');
});

t.test('a peer that sends from ever new addresses leaves nothing behind', async (t) => {
  const network = new RestlessNetwork();
  const pair = await quicPair(t, { network });
  const { client, server } = await pair.connect();
  if (!(server instanceof QuicConnection)) throw new Error('not a connection of the listener');
  const { native } = server;
  const drop = native.dropPathEvents.bind(native);
  let dropped = 0;
  native.dropPathEvents = () => {
    const count = drop();
    dropped += count;
    return count;
  };
  const stream = client.openStream(new StreamProbe());
  network.restless = true;
  for (let i = 0; i < 50; i++) {
    stream.write(Buffer.from('away'));
    await settled();
  }
  t.ok(dropped >= 50, `${dropped} notes were taken`);
  t.equal(drop(), 0, 'and none is kept');
  network.restless = false;
  await stillServes(t, pair);
});

t.test('no more connections than the limit', async (t) => {
  const pair = await quicPair(t, { server: { maxConnections: 2 }, client: { handshakeTimeoutMs: 200 } });
  await pair.connect();
  await pair.connect();
  const third = pair.connector.connect('127.0.0.1:5000');
  const closed = new Promise((resolve) => {
    third.setHandler({ onEstablished: () => undefined, onStream: () => undefined, onClosed: resolve });
  });
  t.match(await closed, { by: 'timeout' });
  t.ok(pair.listener.dropped['too-many-connections'] > 0);
});
