import t from 'tap';
import { MemoryNetwork } from '../support/memory-network.js';
import { deferred, quicPair, StreamProbe } from '../support/quic-pair.js';

const MESSAGE = Buffer.alloc(100, 'm');

t.test('who awaits an answer and asks again acknowledges with the question', async (t) => {
  const pair = await quicPair(t, {
    onServerStream: (stream, probe) => {
      // two datagrams, which want to be acknowledged at once
      probe.onData = () => {
        stream.write(MESSAGE);
        setImmediate(() => setImmediate(() => void stream.write(MESSAGE)));
      };
    },
  });
  const { client } = await pair.connect();
  const probe = new StreamProbe(false);
  const stream = client.openStream(probe);
  const ask = async (until: number) => {
    stream.write(MESSAGE);
    await probe.received(until * 2 * MESSAGE.length);
  };
  for (let n = 1; n <= 10; n++) await ask(n);
  const before = pair.network.sent;
  for (let n = 11; n <= 110; n++) await ask(n);
  const sent = pair.network.sent - before;
  // now and then the time of a lone acknowledgement runs out first
  t.ok(sent >= 300 && sent <= 330, `100 questions and 200 answers took ${sent} datagrams`);
});

t.test('a stream that is resumed in the hook of a turn is read in the next', async (t) => {
  const pair = await quicPair(t, { network: new MemoryNetwork({ delayMs: 20 }) });
  const { client, server, serverProbe } = await pair.connect();
  const [paused, other] = [client.openStream(new StreamProbe()), client.openStream(new StreamProbe())];
  paused.write(MESSAGE);
  const first = await serverProbe.nextStream();
  await first.probe.received(MESSAGE.length);
  first.stream.pause();
  paused.write(MESSAGE);
  other.write(MESSAGE);
  const second = await serverProbe.nextStream();
  await second.probe.received(MESSAGE.length);
  t.equal(first.probe.bytes, MESSAGE.length, 'what came while it was paused waits');

  const bytes = deferred<number>();
  let resumed = false;
  pair.listener.onTurn(() => {
    if (resumed) return;
    resumed = true;
    first.stream.resume();
    // the next turn is over, and no datagram can have come since
    setImmediate(() => setImmediate(() => bytes.resolve(first.probe.bytes)));
  });
  server.openStream(new StreamProbe()).write(MESSAGE);
  t.equal(await bytes.promise, 2 * MESSAGE.length);
});

t.test(
  'where datagrams come one by one each is worked on at once, until several come together',
  async (t) => {
    const network = new MemoryNetwork();
    const socket = network.open('127.0.0.1', 5000);
    const pair = await quicPair(t, {
      network,
      server: { socket },
      onServerStream: (stream, probe) => (probe.onData = (bytes) => void stream.write(Buffer.from(bytes))),
    });
    const { client } = await pair.connect();
    const opened = Array.from({ length: 4 }, () => {
      const probe = new StreamProbe(false);
      return { probe, stream: client.openStream(probe) };
    });
    const ask = (count: number) =>
      Promise.all(
        opened.slice(0, count).map(({ probe, stream }) => {
          stream.write(MESSAGE);
          return probe.received(probe.bytes + MESSAGE.length);
        }),
      );
    await ask(4);

    let atOnce: boolean[] = [];
    const deliver = socket.deliver.bind(socket);
    socket.deliver = (datagram, from) => {
      const before = network.sent;
      deliver(datagram, from);
      if (datagram.length > MESSAGE.length) atOnce.push(network.sent > before);
    };
    for (let n = 0; n < 40; n++) await ask(1);
    t.same(atOnce.slice(-10), Array(10).fill(true));
    t.equal(atOnce[0], false);
    await ask(4);
    atOnce = [];
    await ask(1);
    t.same(atOnce, [false]);
  },
);
