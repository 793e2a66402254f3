import { performance } from 'node:perf_hooks';
import { withDeadline } from '../lib/deadline.js';
import { interleave } from '../lib/rounds.js';
import { median } from '../lib/statistics.js';
import { type Context, MESSAGE_BYTES } from './context.js';
import { byteStreamEcho, type OpenByteStream } from './peers/byte-stream.js';
import { connectQuic } from './peers/quic.js';
import type { Results } from './results.js';

const STREAMS = 1000;
const GRACE_MS = 10_000;

/** Ping-pong of 256 B on 1000 streams of one connection at once. */
export async function measureManyStreams({ plan, tls, servers }: Context): Promise<Results> {
  const client = await connectQuic(await servers.address('quic'), tls, 'auto');
  const streams = Array.from({ length: STREAMS }, (_, index) => new PingPong(client.open, index));
  await runFor(streams, plan.manyStreamsMs / 2);
  const perSecond: number[] = [];
  await interleave(plan.manyStreamsRounds, [
    async () => {
      perSecond.push(await runFor(streams, plan.manyStreamsMs));
    },
  ]);
  await client.close();
  const messagesPerSecond = median(perSecond);
  const errors = streams.reduce((sum, stream) => sum + stream.errors, 0);
  return { streams1000: { messagesPerSecond, bothDirectionsPerSecond: 2 * messagesPerSecond, errors } };
}

/** Lets every stream go back and forth for `ms` and finish its last exchange; the answered messages per second. */
async function runFor(streams: readonly PingPong[], ms: number): Promise<number> {
  const startedAt = performance.now();
  const until = startedAt + ms;
  let answered = 0;
  const done = Promise.all(streams.map((stream) => stream.runUntil(until, () => answered++)));
  // What is missing at the deadline is counted by its stream.
  await withDeadline(done, ms + GRACE_MS, 'ping-pong').catch(() => undefined);
  for (const stream of streams) stream.countMissing();
  return (answered * 1000) / (performance.now() - startedAt);
}

/** One stream: sends a message that names the stream and its number, and checks every byte of the reply. */
class PingPong {
  errors = 0;
  readonly #echo: ReturnType<typeof byteStreamEcho>;
  readonly #message: Buffer;
  #sent = 0;
  #waiting = false;

  constructor(open: OpenByteStream, index: number) {
    this.#echo = byteStreamEcho(open, MESSAGE_BYTES);
    this.#message = Buffer.alloc(MESSAGE_BYTES, index & 0xff);
    this.#message.writeUInt32BE(index, 0);
  }

  /** Resolves when an exchange ended after `until`, or went wrong. */
  runUntil(until: number, onAnswer: () => void): Promise<void> {
    return new Promise((resolve) => {
      const next = () => {
        this.#message.writeUInt32BE(this.#sent++, 4);
        this.#waiting = true;
        try {
          this.#echo.exchange(this.#message, handleReply);
        } catch {
          resolve();
        }
      };
      const handleReply = (reply: Uint8Array) => {
        this.#waiting = false;
        if (this.#message.compare(reply) === 0) onAnswer();
        else this.errors++;
        if (performance.now() < until) next();
        else resolve();
      };
      next();
    });
  }

  countMissing(): void {
    if (this.#waiting) this.errors++;
    this.#waiting = false;
  }
}
