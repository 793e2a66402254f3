import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { performance } from 'node:perf_hooks';
import t, { type Test } from 'tap';
import { LossyProxy, type LossyProxyOptions } from './lossy-proxy.js';

/** A bound socket and what it heard, as text. */
class Station {
  readonly heard: string[] = [];
  readonly #counted = new EventEmitter();

  private constructor(readonly socket: Socket) {
    socket.on('message', (bytes) => {
      this.heard.push(bytes.toString());
      this.#counted.emit('message');
    });
  }

  static async open(family: 'udp4' | 'udp6' = 'udp4'): Promise<Station> {
    const socket = createSocket(family);
    socket.bind(0, family === 'udp4' ? '127.0.0.1' : '::1');
    await once(socket, 'listening');
    return new Station(socket);
  }

  get address(): string {
    const { address, port, family } = this.socket.address();
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  }

  send(to: string, text: string): void {
    const colon = to.lastIndexOf(':');
    this.socket.send(text, Number(to.slice(colon + 1)), to.slice(0, colon).replace(/[[\]]/g, ''));
  }

  async until(count: number): Promise<readonly string[]> {
    while (this.heard.length < count) await once(this.#counted, 'message');
    return this.heard;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

interface Setting {
  readonly proxy: LossyProxy;
  readonly server: Station;
  readonly client: Station;
}

async function setting(
  t: Test,
  options: Omit<LossyProxyOptions, 'target' | 'seed'> = {},
  family: 'udp4' | 'udp6' = 'udp4',
): Promise<Setting> {
  const server = await Station.open(family);
  const client = await Station.open(family);
  const proxy = await LossyProxy.listen({ ...options, target: server.address, seed: 1 });
  t.teardown(async () => {
    await proxy.close();
    await Promise.all([server.close(), client.close()]);
  });
  return { proxy, server, client };
}

function echo({ socket }: Station): void {
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
}

for (const family of ['udp4', 'udp6'] as const) {
  void t.test(`carries datagrams both ways, unchanged (${family})`, async (t) => {
    const { proxy, server, client } = await setting(t, {}, family);
    echo(server);
    client.send(proxy.address, 'one');
    t.same(await client.until(1), ['one']);
    t.same(server.heard, ['one']);
    t.match(proxy.stats('toServer'), { received: 1, delivered: 1, lost: 0 });
    t.match(proxy.stats('toClient'), { received: 1, delivered: 1, lost: 0 });
  });
}

void t.test('answers go to the client that asked', async (t) => {
  const { proxy, server, client } = await setting(t);
  const other = await Station.open();
  t.teardown(() => other.close());
  echo(server);
  client.send(proxy.address, 'mine');
  other.send(proxy.address, 'theirs');
  await Promise.all([client.until(1), other.until(1)]);
  t.same(client.heard, ['mine']);
  t.same(other.heard, ['theirs']);
});

void t.test('delays each direction by what it is set to, never less', async (t) => {
  const { proxy, server, client } = await setting(t, {
    toServer: { delayMs: 30 },
    toClient: { delayMs: 10 },
  });
  echo(server);
  const startedAt = performance.now();
  client.send(proxy.address, 'slow');
  await server.until(1);
  const thereMs = performance.now() - startedAt;
  await client.until(1);
  const backMs = performance.now() - startedAt;
  t.ok(thereMs >= 30, `there took ${thereMs} ms`);
  t.ok(backMs >= 40, `there and back took ${backMs} ms`);
});

void t.test('a delay keeps the order', async (t) => {
  const { proxy, server, client } = await setting(t, { toServer: { delayMs: 5 } });
  const sent = Array.from({ length: 50 }, (_, index) => String(index));
  for (const text of sent) client.send(proxy.address, text);
  t.same(await server.until(50), sent);
});

void t.test('loses what it is told to lose, in one direction only, until told otherwise', async (t) => {
  const { proxy, server, client } = await setting(t);
  echo(server);
  proxy.set({ lossRate: 1 }, ['toClient']);
  client.send(proxy.address, 'unanswered');
  client.send(proxy.address, 'also unanswered');
  await proxy.untilReceived('toClient', 2);
  proxy.set({ lossRate: 0 }, ['toClient']);
  client.send(proxy.address, 'answered');
  t.same(await client.until(1), ['answered']);
  t.same(server.heard, ['unanswered', 'also unanswered', 'answered']);
  t.match(proxy.stats('toServer'), { received: 3, delivered: 3, lost: 0 });
  t.match(proxy.stats('toClient'), { received: 3, delivered: 1, lost: 2 });
});

void t.test('duplicates', async (t) => {
  const { proxy, server, client } = await setting(t, { toServer: { duplicateRate: 1 } });
  client.send(proxy.address, 'twice');
  t.same(await server.until(2), ['twice', 'twice']);
  t.match(proxy.stats('toServer'), { received: 1, delivered: 2, duplicated: 1 });
});

void t.test('lets later datagrams overtake', async (t) => {
  const { proxy, server, client } = await setting(t, { toServer: { reorderRate: 1, reorderDelayMs: 20 } });
  client.send(proxy.address, 'held back');
  await proxy.untilReceived('toServer', 1);
  proxy.set({ reorderRate: 0 });
  client.send(proxy.address, 'overtakes');
  t.same(await server.until(2), ['overtakes', 'held back']);
});

void t.test('holds no more than it may', async (t) => {
  const { proxy, server, client } = await setting(t, { toServer: { delayMs: 20 }, maxInFlight: 3 });
  for (let index = 0; index < 10; index++) client.send(proxy.address, String(index));
  t.same(await server.until(3), ['0', '1', '2']);
  t.match(proxy.stats('toServer'), { received: 10, delivered: 3, overflowed: 7 });
});

void t.test('closes with datagrams on their way, twice, and leaves nothing open', async (t) => {
  const { proxy, client } = await setting(t, { toServer: { delayMs: 60_000 } });
  client.send(proxy.address, 'never');
  await proxy.untilReceived('toServer', 1);
  await proxy.close();
  await proxy.close();
  t.notOk(process.getActiveResourcesInfo().includes('Timeout'), 'no timer is left');
});

void t.test('a target without a port is refused', async (t) => {
  await t.rejects(LossyProxy.listen({ target: '127.0.0.1', seed: 1 }), {
    name: 'RangeError',
    message: /not HOST:PORT/,
  });
});
