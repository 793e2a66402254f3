import t, { type Test } from 'tap';
import { memorySessionCache, type QuicListenerOptions } from '../../src/transport/index.js';
import { testCertificates } from '../support/certificates.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { ConnectionProbe, deferred, quicPair, StreamProbe, type QuicPair } from '../support/quic-pair.js';

const SERVER_PORT = 5000;
const ADDRESS = `127.0.0.1:${String(SERVER_PORT)}`;
const NOBODY = '127.0.0.1:5999';
const HANDSHAKE_TIMEOUT_MS = 300;

interface Accepted {
  readonly probe: ConnectionProbe;
  /** Early or not, for each stream, and what came on it. */
  readonly streams: { readonly early: boolean; readonly data: StreamProbe }[];
}

/**
 * A server that has given one ticket, and recorded first flights (Initial and 0-RTT packets) of clients that resume with
 * it, each with `resume N` as its early data; the server has heard none of them.
 */
async function recorded(t: Test, flights: number, server: Partial<QuicListenerOptions> = {}) {
  const certificates = await testCertificates();
  const network = new MemoryNetwork();
  const ticket = deferred<Uint8Array>();
  const cache = memorySessionCache();
  const pair = await quicPair(t, {
    network,
    server: {
      tls: { ...certificates.server, earlyData: true },
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      ...server,
    },
    client: {
      earlyData: true,
      sessions: {
        get: () => cache.get(ADDRESS),
        delete: () => undefined,
        set: (_server, session) => {
          cache.set(ADDRESS, session);
          ticket.resolve(session);
        },
      },
    },
  });
  await pair.connect();
  await ticket.promise;
  network.recording = true;
  const captured: Buffer[][] = [];
  for (let i = 0; i < flights; i++) {
    const before = network.log.length;
    const client = pair.connector.connect(NOBODY);
    client.openStream(new StreamProbe()).write(Buffer.from(`resume ${String(i)}`));
    await settled();
    captured.push(network.log.slice(before).map(({ datagram }) => datagram));
    client.close(0, '');
  }
  network.recording = false;
  const accepted: Accepted[] = [];
  pair.listener.onConnection((connection) => {
    const streams: Accepted['streams'] = [];
    const probe = new ConnectionProbe((_stream, data) => {
      streams.push({ early: connection.state === 'handshaking', data });
    });
    connection.setHandler(probe);
    accepted.push({ probe, streams });
  });
  return { pair, network, captured, accepted };
}

/** Resolves when all that was sent so far has been taken in: the network delivers in order. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends a recorded flight as it is, from a socket of its own. */
function replay(network: MemoryNetwork, flight: readonly Buffer[]): void {
  const port = network.open('127.0.0.9');
  for (const datagram of flight) {
    port.sendBuffer.set(datagram);
    port.send(datagram.length, '127.0.0.1', SERVER_PORT);
  }
}

async function stillServes(t: Test, pair: QuicPair, accepted: readonly Accepted[]): Promise<void> {
  const client = pair.connector.connect(ADDRESS);
  const probe = new ConnectionProbe();
  client.setHandler(probe);
  await probe.established.promise;
  client.openStream(new StreamProbe()).write(Buffer.from('well'));
  await accepted.at(-1)?.probe.nextStream();
  t.equal(client.state, 'established');
}

t.test('a flight sent again is marked early each time, and comes to nothing', async (t) => {
  const { pair, network, captured, accepted } = await recorded(t, 1);
  const [flight = []] = captured;
  t.ok(flight.length > 0);
  for (let round = 1; round <= 3; round++) {
    replay(network, flight);
    await settled();
    t.equal(accepted.length, round);
    const latest = accepted.at(-1);
    t.same(
      latest?.streams.map(({ early, data }) => [early, data.data.toString()]),
      [[true, 'resume 0']],
    );
    t.match(await latest?.probe.closed.promise, { by: 'timeout', reason: /did not complete in time/ });
  }
  t.match(pair.listener.early, { accepted: 3, unfinished: 3 });
  t.equal(pair.listener.handshakes, 0);
  await stillServes(t, pair, accepted);
});

t.test('a thousand times at once: one connection, as long as a handshake may take', async (t) => {
  const { pair, network, captured, accepted } = await recorded(t, 1);
  const [flight = []] = captured;
  let most = 0;
  for (let i = 0; i < 1000; i++) {
    replay(network, flight);
    if (i % 50 !== 0) continue;
    await settled();
    most = Math.max(most, pair.listener.handshakes);
  }
  await settled();
  t.equal(most, 1, 'half-open at a time');
  t.ok(accepted.length < 50, `${String(accepted.length)} connections came of it`);
  t.ok(
    accepted.every(({ streams }) => streams.length === 1 && streams[0]?.early === true),
    'each has the data once, marked',
  );
  await Promise.all(accepted.map(({ probe }) => probe.closed.promise));
  t.equal(pair.listener.handshakes, 0);
  t.equal(pair.listener.early.unfinished, accepted.length);
  await stillServes(t, pair, accepted);
});

t.test('many flights at once: above a number of them their address must be proved', async (t) => {
  const { pair, network, captured, accepted } = await recorded(t, 250);
  for (let round = 0; round < 4; round++) {
    for (const flight of captured) replay(network, flight);
    await settled();
    t.ok(pair.listener.handshakes <= 128, `${String(pair.listener.handshakes)} half-open`);
  }
  t.ok(accepted.length >= 128, 'as many as there is room for, and successors of those that have timed out');
  t.ok(pair.listener.retriesSent >= 4 * (250 - 128));
  await Promise.all(accepted.map(({ probe }) => probe.closed.promise));
  t.match(pair.listener.early, { accepted: accepted.length, unfinished: accepted.length, deferred: 0 });
  t.equal(pair.listener.handshakes, 0);
  await stillServes(t, pair, accepted);
});

t.test(
  'without Retry: above a number of them early data waits for a handshake that never comes',
  async (t) => {
    const { pair, network, captured, accepted } = await recorded(t, 300, {
      retry: 'never',
      // Long enough for all of them to arrive meanwhile, on a busy machine too.
      handshakeTimeoutMs: 1500,
    });
    for (const flight of captured) replay(network, flight);
    await settled();
    t.equal(accepted.length, 256);
    t.equal(pair.listener.handshakes, 300);
    await Promise.all(accepted.map(({ probe }) => probe.closed.promise));
    while (pair.listener.handshakes > 0) await new Promise((resolve) => setImmediate(resolve));
    t.match(pair.listener.early, { accepted: 256, unfinished: 256, deferred: 44 });
    t.equal(accepted.length, 256, 'the others were never handed over');
    await stillServes(t, pair, accepted);
  },
);

t.test('a copy from elsewhere does not disturb the handshake of the one who sent it', async (t) => {
  const { pair, network, accepted } = await recorded(t, 0);
  network.recording = true;
  const client = pair.connector.connect(ADDRESS);
  const probe = new ConnectionProbe();
  client.setHandler(probe);
  client.openStream(new StreamProbe()).write(Buffer.from('mine'));
  while (network.log.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const flight = network.log.filter(({ to }) => to === SERVER_PORT).map(({ datagram }) => datagram);
  network.recording = false;
  for (let i = 0; i < 20; i++) replay(network, flight);
  await probe.established.promise;
  await accepted[0]?.probe.established.promise;
  t.equal(accepted.length, 1);
  t.equal(accepted[0]?.streams[0]?.data.data.toString(), 'mine');
});
