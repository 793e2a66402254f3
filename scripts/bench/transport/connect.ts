import { performance } from 'node:perf_hooks';
import { memorySessionCache, type SessionCache } from '../../../src/transport/index.js';
import { LossyProxy } from '../../../test/support/lossy-proxy.js';
import { withDeadline } from '../lib/deadline.js';
import { interleave } from '../lib/rounds.js';
import { median } from '../lib/statistics.js';
import { type Context, MESSAGE_BYTES } from './context.js';
import { exchangeInTurn } from './echo.js';
import { byteStreamEcho } from './peers/byte-stream.js';
import { QuicClient } from './peers/quic.js';
import { connectUdpEcho } from './peers/udp.js';
import type { Results } from './results.js';

const ONE_WAY_MS = 20;
const PINGS_PER_ROUND = 5;
const CONNECT_DEADLINE_MS = 10_000;

/**
 * Time from connect to the first byte of the reply to a request, over a path of 40 ms, for a new session and for one
 * resumed with 0-RTT. The unit is the round trip of a bare datagram over the same path in the same run.
 */
export async function measureConnect({ plan, tls, servers }: Context): Promise<Results> {
  const path = { seed: 1, toServer: { delayMs: ONE_WAY_MS }, toClient: { delayMs: ONE_WAY_MS } };
  const quicPath = await LossyProxy.listen({ ...path, target: await servers.address('quic') });
  const udpPath = await LossyProxy.listen({ ...path, target: await servers.address('udp') });
  const sessions = memorySessionCache();
  const ping = await connectUdpEcho(udpPath.address);
  const rttsMs: number[] = [];
  const fullMs: number[] = [];
  const resumedMs: number[] = [];
  const connect = async (cache?: SessionCache) => {
    const startedAt = performance.now();
    const client = new QuicClient(quicPath.address, tls, 'auto', { sessions: cache });
    const reply = exchangeInTurn(byteStreamEcho(client.open, MESSAGE_BYTES), 1);
    await withDeadline(reply, CONNECT_DEADLINE_MS, 'first reply on a new connection');
    const elapsedMs = performance.now() - startedAt;
    await withDeadline(client.established, CONNECT_DEADLINE_MS, 'handshake');
    const { earlyData } = client;
    await client.close();
    return { elapsedMs, earlyData };
  };
  // The first connection brings the ticket that the others resume from.
  await connect(sessions);
  await interleave(plan.connects, [
    async () => void rttsMs.push(...(await exchangeInTurn(ping, PINGS_PER_ROUND))),
    async () => void fullMs.push((await connect()).elapsedMs),
    async () => {
      const { elapsedMs, earlyData } = await connect(sessions);
      if (!earlyData) throw new Error('a session was not resumed with early data');
      resumedMs.push(elapsedMs);
    },
  ]);
  await ping.close();
  await Promise.all([quicPath.close(), udpPath.close()]);

  const rttMs = median(rttsMs);
  const [full, resumed] = [median(fullMs), median(resumedMs)];
  return {
    connect: {
      rttMs,
      fullMs: full,
      resumedMs: resumed,
      fullRtts: full / rttMs,
      resumedRtts: resumed / rttMs,
    },
  };
}
