import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { listenQuic, RESET_KEY_BYTES } from '../../src/transport/index.js';
import { StatelessResets } from '../../src/transport/stateless-reset.js';
import { testCertificates } from '../support/certificates.js';
import { quicPair, StreamProbe, type QuicPair } from '../support/quic-pair.js';

const KEY = randomBytes(RESET_KEY_BYTES);

/** Another server takes the place of the first one, which says no word and hears nothing any more. */
async function replaceServer(t: Test, { network }: QuicPair, key: Uint8Array) {
  const certificates = await testCertificates();
  const socket = network.open('127.0.0.1', 5000);
  const listener = await listenQuic({ host: '127.0.0.1', port: 5000, tls: certificates.server, socket });
  listener.setResetKey(key);
  listener.onConnection(() => undefined);
  t.teardown(() => listener.close(0, ''));
  return listener;
}

t.test('a peer of the process before learns with its next packet that its connection is gone', async (t) => {
  const pair = await quicPair(t);
  pair.listener.setResetKey(KEY);
  const { client, clientProbe } = await pair.connect();
  const next = await replaceServer(t, pair, KEY);
  client.openStream(new StreamProbe()).write(Buffer.from('are you there?'));
  t.match(await clientProbe.closed.promise, { by: 'peer', layer: 'transport', reason: /^stateless reset/ });
  t.ok(next.resetsSent > 0);
  t.equal(next.resetsSent, next.dropped['unknown-connection'], 'each packet before it knew was answered');
});

t.test('a reset of another key, or one that was made up, changes nothing', async (t) => {
  const pair = await quicPair(t);
  pair.listener.setResetKey(KEY);
  pair.network.recording = true;
  const { client, clientProbe, serverProbe } = await pair.connect();
  const port =
    pair.network.log.at(-1)?.to === 5000 ? pair.network.log.at(-1)?.from : pair.network.log.at(-1)?.to;
  const attacker = pair.network.open('127.0.0.1', 5001);
  const forged = new StatelessResets(randomBytes(RESET_KEY_BYTES));
  for (let i = 0; i < 100; i++) {
    const length = forged.write(attacker.sendBuffer, randomBytes(8), 100, 0);
    attacker.send(length, '127.0.0.1', port ?? 0);
  }
  client.openStream(new StreamProbe()).write(Buffer.from('hello'));
  const { probe } = await serverProbe.nextStream();
  await probe.received(5);
  t.equal(client.state, 'established');
  client.close(0, '');
  t.match(await clientProbe.closed.promise, { by: 'local' });
});

t.test('nobody is answered before connections are accepted, nor after', async (t) => {
  const pair = await quicPair(t);
  const noise = Buffer.concat([Buffer.from([0x41]), randomBytes(60)]);
  const stranger = pair.network.open('127.0.0.1', 5001);
  const answers: Buffer[] = [];
  stranger.setHandler({
    onDatagram: (datagram) => void answers.push(Buffer.from(datagram)),
    onSendError: () => undefined,
    onWritable: () => undefined,
  });
  const ask = async () => {
    noise.copy(stranger.sendBuffer);
    stranger.send(noise.length, '127.0.0.1', 5000);
    // two turns: there and back
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    return answers.splice(0);
  };
  const [answer] = await ask();
  t.ok(answer !== undefined && answer.length < noise.length, 'shorter than what it answers');
  t.equal((answer?.[0] ?? 0) & 0xc0, 0x40, 'a short header');
  pair.listener.stopAccepting();
  t.same(await ask(), []);
});

t.test(
  'a reset is shorter than its cause, of a bounded length, and its token follows from key and id',
  async (t) => {
    const resets = new StatelessResets(KEY);
    const out = Buffer.alloc(100);
    const id = randomBytes(8);
    for (const [received, length] of [
      [9, 0],
      [21, 0],
      [22, 21],
      [40, 39],
      [44, 43],
      [1350, 43],
    ] as const) {
      t.equal(resets.write(out, id, received, 0), length, String(received));
      if (length > 0) t.same(out.subarray(length - 16, length), resets.tokenOf(id));
    }
    t.same(new StatelessResets(KEY).tokenOf(id), resets.tokenOf(id));
    t.notSame(resets.tokenOf(randomBytes(8)), resets.tokenOf(id));
    t.throws(() => new StatelessResets(randomBytes(16)), /32 bytes, this one 16/);
  },
);

t.test('so many in a second and no more', async (t) => {
  const resets = new StatelessResets(KEY);
  const out = Buffer.alloc(100);
  const flood = (now: number) => {
    let sent = 0;
    for (let i = 0; i < 6_000; i++) if (resets.write(out, KEY, 100, now) > 0) sent++;
    return sent;
  };
  t.equal(flood(1_000), 5_000);
  t.equal(flood(1_999), 0);
  t.equal(flood(2_000), 5_000);
  t.equal(resets.sent, 10_000);
});
