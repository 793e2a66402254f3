import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  memorySessionCache,
  type QuicConnectorOptions,
  type QuicListenerOptions,
  type SessionCache,
} from '../../src/transport/index.js';
import { testCertificates } from '../support/certificates.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { ConnectionProbe, deferred, quicPair, StreamProbe, type QuicPair } from '../support/quic-pair.js';

const ADDRESS = '127.0.0.1:5000';

/** A cache that says when a ticket has come. */
function watchedCache(cache: SessionCache = memorySessionCache()) {
  let arrived = deferred<Uint8Array>();
  return {
    get: (server: string) => cache.get(server),
    delete: (server: string) => cache.delete(server),
    set: (server: string, session: Uint8Array) => {
      cache.set(server, session);
      arrived.resolve(session);
    },
    /** The next ticket from now on. */
    next: () => {
      arrived = deferred();
      return arrived.promise;
    },
  };
}

async function earlyPair(
  t: Test,
  options: {
    readonly sessions?: SessionCache;
    readonly network?: MemoryNetwork;
    readonly tls?: Partial<QuicListenerOptions['tls']>;
    readonly server?: Partial<QuicListenerOptions>;
    readonly client?: Partial<QuicConnectorOptions>;
  } = {},
): Promise<QuicPair> {
  const certificates = await testCertificates();
  return quicPair(t, {
    network: options.network ?? new MemoryNetwork(),
    server: { tls: { ...certificates.server, earlyData: true, ...options.tls }, ...options.server },
    client: {
      earlyData: true,
      ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
      ...options.client,
    },
  });
}

/** Connects, writes `bytes` before anything is heard, and sees what comes of it on both sides. */
async function say(pair: QuicPair, bytes: Uint8Array) {
  const client = pair.connector.connect(ADDRESS);
  const clientProbe = new ConnectionProbe();
  client.setHandler(clientProbe);
  const stream = client.openStream(new StreamProbe());
  stream.write(bytes);
  stream.end();
  const { server, serverProbe } = await pair.nextServer();
  const opened = await serverProbe.nextStream();
  const [early] = serverProbe.early;
  await opened.probe.ended.promise;
  await Promise.all([clientProbe.established.promise, serverProbe.established.promise]);
  return { client, server, early, serverProbe, data: opened.probe.data };
}

t.test('early data is marked, and comes before the handshake is complete', async (t) => {
  const sessions = watchedCache();
  const pair = await earlyPair(t, { sessions });
  const ticket = sessions.next();
  const first = await say(pair, Buffer.from('first'));
  await ticket;
  t.match(first.client.stats(), { resumed: false, earlyData: false });
  t.equal(first.early, false);
  const client = pair.connector.connect(ADDRESS);
  client.openStream(new StreamProbe()).write(Buffer.from('again'));
  const { server, serverProbe } = await pair.nextServer();
  t.equal(server.state, 'handshaking');
  await serverProbe.nextStream();
  t.same(serverProbe.early, [true]);
  await serverProbe.established.promise;
  t.match(server.stats(), { resumed: true, earlyData: true });
  client.openStream(new StreamProbe()).write(Buffer.from('later'));
  await serverProbe.nextStream();
  t.same(serverProbe.early, [true, false], 'what comes after the handshake is not early');
  t.same(pair.listener.early, { accepted: 1, unfinished: 0, deferred: 0 });
});

t.test('nothing leaves early unless it was asked for, but the session is resumed', async (t) => {
  const sessions = watchedCache();
  const pair = await earlyPair(t, { sessions, client: { earlyData: false } });
  const ticket = sessions.next();
  await pair.connect();
  await ticket;
  const second = await say(pair, Buffer.from('second'));
  t.equal(second.early, false);
  t.match(second.client.stats(), { resumed: true, earlyData: false });
  t.equal(second.data.toString(), 'second');
});

t.test('a ticket that the server refuses: a full handshake, and every byte once', async (t) => {
  const sessions = watchedCache();
  const first = await earlyPair(t, { sessions });
  const ticket = sessions.next();
  await first.connect();
  await ticket;
  // Another process without the key; the path has a delay, so that the early data is there long before the refusal.
  const network = new MemoryNetwork({ delayMs: 20 });
  const second = await earlyPair(t, { sessions, network });
  const renewed = sessions.next();
  const bytes = randomBytes(40_000);
  const started = performance.now();
  const { client, data, early } = await say(second, bytes);
  const elapsed = performance.now() - started;
  t.ok(data.equals(bytes), 'nothing lost or repeated');
  t.equal(early, false, 'delivered after the handshake only');
  t.match(client.stats(), { resumed: false, earlyData: true });
  t.comment(`took ${String(elapsed)}`);
  await renewed;
  t.match((await say(second, bytes)).client.stats(), { resumed: true });
});

t.test('the ticket key changes while the listener runs', async (t) => {
  const sessions = watchedCache();
  const pair = await earlyPair(t, { sessions });
  const resumedNext = async () => {
    const ticket = sessions.next();
    const bytes = randomBytes(100);
    const { client, data } = await say(pair, bytes);
    t.ok(data.equals(bytes));
    await ticket;
    return client.stats().resumed;
  };
  t.equal(await resumedNext(), false, 'no ticket yet');
  t.equal(await resumedNext(), true);
  const living = await pair.connect();
  const key = randomBytes(48);
  pair.listener.setTicketKey(key);
  key.fill(0);
  t.equal(await resumedNext(), false, 'a ticket of the key before is refused, without the user noticing');
  t.equal(await resumedNext(), true, 'and the new one serves');
  living.client.openStream(new StreamProbe()).write(Buffer.from('still here'));
  const { probe } = await living.serverProbe.nextStream();
  await probe.received(10);
  t.throws(() => pair.listener.setTicketKey(randomBytes(16)), /48 bytes, this one 16/);
});

t.test('a restarted server with the same key resumes sessions', async (t) => {
  const sessions = watchedCache();
  const ticketKey = randomBytes(48);
  const before = await earlyPair(t, { sessions, tls: { ticketKey } });
  const ticket = sessions.next();
  await before.connect();
  await ticket;
  const after = await earlyPair(t, { sessions, tls: { ticketKey } });
  const { client, early } = await say(after, Buffer.from('resume'));
  t.equal(early, true);
  t.match(client.stats(), { resumed: true, earlyData: true });
});

t.test('tickets outlive the client process in a storage; a damaged one is dropped', async (t) => {
  const saved = new Map<string, Uint8Array | null>();
  const storage = {
    load: (server: string) => saved.get(server) ?? null,
    save: (server: string, ticket: Uint8Array | null) => void saved.set(server, ticket),
  };
  const ticketKey = randomBytes(48);
  const sessions = watchedCache(memorySessionCache(storage));
  const first = await earlyPair(t, { sessions, tls: { ticketKey } });
  const ticket = sessions.next();
  await first.connect();
  const given = await ticket;
  t.same(saved.get(ADDRESS), given);

  const second = await earlyPair(t, { sessions: memorySessionCache(storage), tls: { ticketKey } });
  t.match((await say(second, Buffer.from('x'))).client.stats(), { resumed: true, earlyData: true });

  const whole = saved.get(ADDRESS) ?? new Uint8Array(0);
  const damaged = [
    new Uint8Array(0),
    randomBytes(7),
    randomBytes(500),
    whole.subarray(0, 40),
    Buffer.from(whole).fill(0xff, 0, 8),
    Buffer.concat([whole.subarray(0, 60), randomBytes(whole.length - 60)]),
  ];
  for (const bytes of damaged) {
    saved.set(ADDRESS, bytes);
    const pair = await earlyPair(t, { sessions: memorySessionCache(storage), tls: { ticketKey } });
    const { data } = await say(pair, Buffer.from('anyway'));
    t.equal(data.toString(), 'anyway');
  }
});

t.test('a client certificate is known with the early data already', async (t) => {
  const certificates = await testCertificates();
  const sessions = watchedCache();
  const pair = await earlyPair(t, {
    sessions,
    tls: { ca: certificates.ca, requireClientCert: true },
    client: { tls: { ca: certificates.ca, ...certificates.client } },
  });
  const ticket = sessions.next();
  const { server } = await pair.connect();
  await ticket;
  const known = server.peerCertificate()?.fingerprint;
  t.match(known, /^[0-9a-f]{64}$/);
  const client = pair.connector.connect(ADDRESS);
  client.openStream(new StreamProbe()).write(Buffer.from('resume'));
  const again = await pair.nextServer();
  t.equal(again.server.state, 'handshaking');
  const early = again.server.peerCertificate()?.fingerprint;
  await again.serverProbe.established.promise;
  t.match(again.server.stats(), { resumed: true, earlyData: true });
  t.equal(early, known);
  t.equal(again.server.peerCertificate()?.fingerprint, known);
});

t.test('Retry: early data is delivered once, after the handshake', async (t) => {
  const sessions = watchedCache();
  const pair = await earlyPair(t, { sessions, server: { retry: 'always' } });
  const ticket = sessions.next();
  await pair.connect();
  await ticket;
  const bytes = randomBytes(5_000);
  const { client, data } = await say(pair, bytes);
  t.ok(data.equals(bytes));
  t.equal(client.stats().resumed, true);
});

t.test('how long nothing was heard', async (t) => {
  const pair = await earlyPair(t);
  const { client, server, serverProbe } = await pair.connect();
  const silence = server.silentMs;
  client.openStream(new StreamProbe()).write(Buffer.from('x'));
  await (await serverProbe.nextStream()).probe.received(1);
  const heard = server.silentMs;
  t.ok(silence >= 0 && heard >= 0 && heard < 1000);
  // nothing can come while nobody else has a turn
  const from = performance.now();
  const before = server.silentMs;
  while (performance.now() < from + 5);
  t.ok(server.silentMs >= before + 4, 'it grows with time');
});
