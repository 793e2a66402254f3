import { withDeadline } from '../lib/deadline.js';
import { interleave } from '../lib/rounds.js';
import { median } from '../lib/statistics.js';
import type { Context } from './context.js';
import { type BulkClient, gigabitsPerSecond } from './peers/peer.js';
import { connectQuicBulk } from './peers/quic.js';
import { tlsBulk } from './peers/tls.js';
import { connectUdpBulk } from './peers/udp.js';
import type { Results } from './results.js';
import { UNKNOWN_PATH_BYTES } from './servers.js';

/** What raw datagrams are compared with `auto` at: the transport's size on loopback. */
const LOOPBACK_BYTES = 16 * 1024;
const GRACE_MS = 20_000;

/** One-way throughput, client to server, of one stream; counted by the receiver. */
export async function measureStream({ plan, tls, servers }: Context): Promise<Results> {
  const clients = {
    quicAuto: await connectQuicBulk(await servers.address('quic'), tls, 'auto'),
    quic1350: await connectQuicBulk(await servers.address('quic-1350'), tls, UNKNOWN_PATH_BYTES),
    udpAuto: await connectUdpBulk(await servers.address('udp'), LOOPBACK_BYTES),
    udp1350: await connectUdpBulk(await servers.address('udp'), UNKNOWN_PATH_BYTES),
    tls: tlsBulk(await servers.address('tls'), tls),
  };
  const entries = Object.entries(clients).map(([name, client]) => ({
    name,
    client,
    gbps: new Array<number>(),
  }));
  const transfer = async (name: string, client: BulkClient, ms: number) =>
    gigabitsPerSecond(await withDeadline(client.transfer(ms), ms + GRACE_MS, `one-way stream over ${name}`));
  for (const { name, client } of entries) await transfer(name, client, plan.streamMs / 2);
  await interleave(
    plan.streamRounds,
    entries.map(({ name, client, gbps }) => async () => {
      gbps.push(await transfer(name, client, plan.streamMs));
    }),
  );
  await Promise.all(entries.map(({ client }) => client.close()));

  const of = (name: keyof typeof clients) => median(entries.find((entry) => entry.name === name)?.gbps ?? []);
  const tlsGbps = of('tls');
  return {
    stream: {
      auto: { quicGbps: of('quicAuto'), tlsGbps, udpGbps: of('udpAuto') },
      mtu1350: { quicGbps: of('quic1350'), tlsGbps, udpGbps: of('udp1350') },
    },
  };
}
