import { performance } from 'node:perf_hooks';
import { pinToCore, unpin } from '../lib/cores.js';
import { withDeadline } from '../lib/deadline.js';
import { interleave } from '../lib/rounds.js';
import { latency } from '../lib/statistics.js';
import { type Context, MESSAGE_BYTES } from './context.js';
import { connectGrpcBidi, connectGrpcUnary } from './peers/grpc.js';
import type { EchoClient } from './peers/peer.js';
import { connectQuicEcho } from './peers/quic.js';
import { connectTlsEcho } from './peers/tls.js';
import { connectUdpEcho } from './peers/udp.js';
import { connectWsEcho } from './peers/ws.js';
import type { Results } from './results.js';

const SLICE_DEADLINE_MS = 30_000;

/** Round-trip times of 256 B messages, one at a time; percentiles over the samples of all rounds. */
export async function measureEcho({ plan, tls, servers }: Context): Promise<Results> {
  const clients = {
    quic: await connectQuicEcho(await servers.address('quic'), tls, MESSAGE_BYTES),
    udp: await connectUdpEcho(await servers.address('udp')),
    tls: await connectTlsEcho(await servers.address('tls'), tls, MESSAGE_BYTES),
    ws: await connectWsEcho(await servers.address('ws'), tls),
    grpcUnary: await connectGrpcUnary(await servers.address('grpc'), tls),
    grpcBidi: await connectGrpcBidi(await servers.address('grpc'), tls),
    quicAsleep: await connectQuicEcho(await servers.address('quic-asleep'), tls, MESSAGE_BYTES, false),
  };
  const entries = Object.entries(clients).map(([name, client]) => ({
    name,
    client,
    samplesMs: new Array<number>(),
  }));
  const slice = (name: string, client: EchoClient, count: number) =>
    withDeadline(exchangeInTurn(client, count), SLICE_DEADLINE_MS, `echo over ${name}`);
  for (const { name, client } of entries) await slice(name, client, plan.warmUpMessages);
  // Client and servers on cores of their own, as they would be on two machines.
  const pids = await servers.pids();
  const pinned = [pinToCore(process.pid, 0), ...pids.map((pid) => pinToCore(pid, 1))].every(Boolean);
  try {
    await interleave(
      plan.echoRounds,
      entries.map(({ name, client, samplesMs }) => async () => {
        samplesMs.push(...(await slice(name, client, plan.echoesPerRound)));
      }),
    );
  } finally {
    for (const pid of [process.pid, ...pids]) unpin(pid);
  }
  await Promise.all(entries.map(({ client }) => client.close()));

  const of = (name: keyof typeof clients) =>
    latency(entries.find((entry) => entry.name === name)?.samplesMs ?? []);
  const [grpcUnary, grpcBidi] = [of('grpcUnary'), of('grpcBidi')];
  const grpcMode = grpcUnary.p99Ms < grpcBidi.p99Ms ? 'unary' : 'bidi';
  const grpc = grpcMode === 'unary' ? grpcUnary : grpcBidi;
  return {
    echo: {
      quic: of('quic'),
      udp: of('udp'),
      tls: of('tls'),
      ws: of('ws'),
      grpc,
      grpcMode,
      grpcUnary,
      grpcBidi,
      quicAsleep: of('quicAsleep'),
      separateCores: pinned,
    },
  };
}

/** The time of each of `count` exchanges, in milliseconds. Rejects at a reply that is not the message. */
export function exchangeInTurn(client: Pick<EchoClient, 'exchange'>, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const samplesMs: number[] = [];
    const message = Buffer.alloc(MESSAGE_BYTES, 'e');
    let sentAt = 0;
    const next = () => {
      // The first byte belongs to the peers that need one to say what a datagram is for.
      message.writeUInt32BE(samplesMs.length, 1);
      sentAt = performance.now();
      client.exchange(message, handleReply);
    };
    const handleReply = (reply: Uint8Array) => {
      samplesMs.push(performance.now() - sentAt);
      if (
        reply.length !== MESSAGE_BYTES ||
        message.compare(reply, 1, MESSAGE_BYTES, 1, MESSAGE_BYTES) !== 0
      ) {
        reject(new Error('an echo differs from its message'));
      } else if (samplesMs.length === count) resolve(samplesMs);
      else next();
    };
    next();
  });
}
