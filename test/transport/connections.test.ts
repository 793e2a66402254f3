import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { memorySessionCache } from '../../src/transport/index.js';
import { testCertificates } from '../support/certificates.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { ConnectionProbe, deferred, quicPair, StreamProbe } from '../support/quic-pair.js';

t.test('a close carries its code and reason to the peer, streams first', async (t) => {
  const pair = await quicPair(t);
  const { client, clientProbe, serverProbe } = await pair.connect();
  const streamProbe = new StreamProbe();
  client.openStream(streamProbe).write(Buffer.from('x'));
  const opened = await serverProbe.nextStream();
  client.close(42, 'enough for today');
  t.match(await serverProbe.closed.promise, {
    by: 'peer',
    layer: 'application',
    code: 42,
    reason: 'enough for today',
  });
  t.match(await clientProbe.closed.promise, { by: 'local', layer: 'application', code: 42 });
  await Promise.all([streamProbe.closed.promise, opened.probe.closed.promise]);
  const late = new StreamProbe();
  t.equal(
    client.openStream(late).write(Buffer.from('late')),
    true,
    'a write on a lost connection is swallowed',
  );
  await late.closed.promise;
});

t.test('a listener that closes tells its peers', async (t) => {
  const pair = await quicPair(t);
  const { clientProbe } = await pair.connect();
  await pair.listener.close(7, 'going down');
  t.match(await clientProbe.closed.promise, {
    by: 'peer',
    layer: 'application',
    code: 7,
    reason: 'going down',
  });
});

t.test('one that stops accepting keeps what it has', async (t) => {
  const pair = await quicPair(t, { client: { handshakeTimeoutMs: 300 } });
  const { client } = await pair.connect();
  pair.listener.stopAccepting();
  const late = pair.connector.connect('127.0.0.1:5000');
  const lateProbe = new ConnectionProbe();
  late.setHandler(lateProbe);
  t.match(await lateProbe.closed.promise, { by: 'timeout', reason: 'no answer' });
  t.equal(client.state, 'established');
  t.ok(pair.listener.dropped['not-accepting'] > 0);
});

t.test('idle connections end; a keep-alive prevents it', async (t) => {
  const idle = await quicPair(t, {
    client: { keepAliveMs: 0, idleTimeoutMs: 150 },
    server: { keepAliveMs: 0, idleTimeoutMs: 150 },
  });
  const ended = await idle.connect();
  t.match(await ended.clientProbe.closed.promise, { by: 'timeout' });
  t.match(await ended.serverProbe.closed.promise, { by: 'timeout' });

  const kept = await quicPair(t, {
    client: { keepAliveMs: 60, idleTimeoutMs: 400 },
    server: { keepAliveMs: 0, idleTimeoutMs: 400 },
  });
  const alive = await kept.connect();
  // More than two idle timeouts' worth of PINGs: the passing of real time is what is tested here.
  await delay(1000);
  t.equal(alive.client.state, 'established');
  t.equal(alive.server.state, 'established');
});

t.test('a path that goes dark is noticed long before the idle timeout', async (t) => {
  const pair = await quicPair(t, { client: { pathTimeoutMs: 200, keepAliveMs: 50 } });
  const { clientProbe } = await pair.connect();
  pair.network.impairment = { ...pair.network.impairment, lossRate: 1 };
  t.match(await clientProbe.closed.promise, { by: 'timeout', reason: /answered nothing/ });
});

t.test('nobody there: the handshake times out', async (t) => {
  const pair = await quicPair(t, { client: { handshakeTimeoutMs: 100 } });
  const connection = pair.connector.connect('127.0.0.1:5999');
  const probe = new ConnectionProbe();
  connection.setHandler(probe);
  t.match(await probe.closed.promise, { by: 'timeout', reason: 'no answer' });
});

t.test('a malformed address throws at once', async (t) => {
  const pair = await quicPair(t);
  t.throws(() => pair.connector.connect('nowhere'), { message: /'nowhere' is not HOST:PORT/ });
});

t.test('Retry: the client proves its address and gets through', async (t) => {
  const pair = await quicPair(t, { server: { retry: 'always' } });
  const { client } = await pair.connect();
  t.equal(client.state, 'established');
  t.equal(pair.listener.retriesSent, 1);
});

t.test(
  'a resumed session sends its first bytes as early data and hears back in one round trip',
  async (t) => {
    const certificates = await testCertificates();
    const sessions = memorySessionCache();
    const network = new MemoryNetwork({ delayMs: 20 });
    const pair = await quicPair(t, {
      network,
      client: { sessions, earlyData: true },
      server: { tls: { ...certificates.server, earlyData: true } },
      onServerStream: (stream, probe) => void probe.ended.promise.then(() => stream.end()),
    });
    const ask = async () => {
      const started = performance.now();
      const connection = pair.connector.connect('127.0.0.1:5000');
      const connectionProbe = new ConnectionProbe();
      connection.setHandler(connectionProbe);
      const probe = new StreamProbe();
      const stream = connection.openStream(probe);
      stream.write(Buffer.from('hello'));
      stream.end();
      const { serverProbe } = await pair.nextServer();
      await probe.ended.promise;
      const elapsed = performance.now() - started;
      await connectionProbe.established.promise;
      return { elapsed, stats: connection.stats(), early: serverProbe.early };
    };
    const first = await ask();
    t.match(first.stats, { resumed: false, earlyData: false });
    t.same(first.early, [false]);
    const second = await ask();
    t.match(second.stats, { resumed: true, earlyData: true });
    t.same(second.early, [true]);
    t.ok(
      second.elapsed < 1.75 * 40,
      `one round trip of 40 ms and some time of the machine, took ${String(second.elapsed)}`,
    );
    t.ok(first.elapsed > 1.95 * 40, `a full handshake takes two, took ${String(first.elapsed)}`);
  },
);

t.test('a ticket of another key falls back to a full handshake, unnoticed', async (t) => {
  const certificates = await testCertificates();
  const cache = memorySessionCache();
  const stored = deferred<undefined>();
  const sessions = {
    ...cache,
    set: (server: string, session: Uint8Array) => {
      cache.set(server, session);
      stored.resolve(undefined);
    },
  };
  const first = await quicPair(t, {
    client: { sessions, earlyData: true },
    server: { tls: { ...certificates.server, earlyData: true } },
  });
  await first.connect();
  await stored.promise;
  const second = await quicPair(t, {
    client: { sessions, earlyData: true },
    server: { tls: { ...certificates.server, earlyData: true } },
    onServerStream: (stream, serverProbe) => void serverProbe.ended.promise.then(() => stream.end()),
  });
  const connection = second.connector.connect('127.0.0.1:5000');
  const connectionProbe = new ConnectionProbe();
  connection.setHandler(connectionProbe);
  const again = new StreamProbe();
  const stream = connection.openStream(again);
  stream.write(Buffer.from('hello'));
  stream.end();
  await again.ended.promise;
  t.equal(connection.stats().resumed, false);
});

t.test('statistics count', async (t) => {
  const pair = await quicPair(t, { network: new MemoryNetwork({ delayMs: 5 }) });
  const { client, server } = await pair.connect();
  const stats = client.stats();
  t.ok(stats.rttMs >= 5, `round-trip time ${String(stats.rttMs)}`);
  t.ok(stats.congestionWindowBytes > 10_000);
  t.ok(stats.packetsSent > 0 && stats.packetsReceived > 0 && stats.bytesSent > 100);
  t.match(stats, { streamsOpen: 0, streamsOpened: 0, packetsLost: 0, datagramSize: 16_384 });
  t.equal(server.peerCertificate(), null);
  t.match(client.peerCertificate(), { fingerprint: /^[0-9a-f]{64}$/, subject: 'CN=server' });
});
