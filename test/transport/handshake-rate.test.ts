import t from 'tap';
import { HandshakeRate, networkOf } from '../../src/transport/handshake-rate.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { deferred, quicPair } from '../support/quic-pair.js';

/** One now, and the next in a quarter of an hour. */
const ONE = 0.001;

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

t.test('the network that counts: an IPv4 address, or the first half of an IPv6 address', (t) => {
  t.equal(networkOf('192.0.2.7'), '192.0.2.7');
  t.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.7');
  const one = networkOf('2001:db8:1:2:3:4:5:6');
  t.equal(networkOf('2001:db8:1:2::9'), one);
  t.equal(networkOf('2001:db8:1:2::'), one);
  t.not(networkOf('2001:db8:1:3::9'), one);
  t.equal(networkOf('::1'), networkOf('::2'));
  t.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth1'));
  t.not(networkOf('fe80::1'), networkOf('::1'));
  t.end();
});

t.test('who forges an address takes nothing from who proves it', (t) => {
  const rate = new HandshakeRate(2);
  const tries = (proven: boolean, host = '192.0.2.7', now = 0) =>
    [1, 2, 3].map(() => rate.admits(host, proven, now));
  t.same(tries(false), [true, true, false]);
  t.same(tries(true), [true, true, false]);
  t.same(tries(false, '192.0.2.8'), [true, true, false], 'another address');
  t.same(tries(true, '192.0.2.7', 500), [true, false, false], 'half a second later');
  t.end();
});

t.test('over the rate an address is asked for proof, and nothing is kept of it', async (t) => {
  const network = new MemoryNetwork();
  network.recording = true;
  const dropped = deferred<string>();
  const pair = await quicPair(t, {
    network,
    server: { handshakeRate: ONE, onHandshakeDropped: dropped.resolve },
  });
  await pair.connect();
  t.equal(pair.listener.retriesSent, 0);
  await pair.connect();
  t.equal(pair.listener.retriesSent, 1, 'the next one gets through with one round trip more');
  t.equal(pair.listener.dropped['handshake-rate'], 0);

  const before = pair.listener.connections;
  pair.connector.connect('127.0.0.1:5000');
  t.match(await dropped.promise, /^127\.0\.0\.1:\d+$/);
  t.equal(pair.listener.retriesSent, 2);
  t.equal(pair.listener.dropped['handshake-rate'], 1, 'as many again, and no more');
  t.equal(pair.listener.connections, before);
  const [flight] = network.log.filter(({ to }) => to === 5000);
  if (flight === undefined) throw new Error('nothing was sent');
  const neighbour = network.open('127.0.0.9', 6666);
  neighbour.sendBuffer.set(flight.datagram);
  neighbour.send(flight.datagram.length, '127.0.0.1', 5000);
  await settled();
  t.equal(pair.listener.connections, before + 1, 'another address has its own');
});

t.test('without Retry, what is over the rate is dropped and told', async (t) => {
  const dropped = deferred<string>();
  const pair = await quicPair(t, {
    server: { handshakeRate: ONE, retry: 'never', onHandshakeDropped: dropped.resolve },
  });
  await pair.connect();
  pair.connector.connect('127.0.0.1:5000');
  t.match(await dropped.promise, /^127\.0\.0\.1:\d+$/);
  t.equal(pair.listener.dropped['handshake-rate'], 1);
  t.equal(pair.listener.retriesSent, 0);
});
