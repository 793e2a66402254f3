import type { QuicStream } from './quic-stream.js';

const URGENCIES = 8;

/**
 * The streams that have something to hand over, the most urgent first. The native side sends by urgency only what it
 * already holds, and it holds no more than the congestion window: so whoever writes first in a turn takes the room,
 * and the order of writing decides. Streams of one urgency take turns.
 */
export class WriteQueue {
  /** By urgency, 0 first. Each holds all and only the streams of that urgency whose `waitsToWrite` says so. */
  private readonly waiting = Array.from({ length: URGENCIES }, (): QuicStream[] => []);
  private count = 0;
  /** Streams that wait for the next `hurry`. */
  private readonly patient = new Set<QuicStream>();
  private readonly unlucky: QuicStream[] = [];
  private readonly served: QuicStream[] = [];

  add(stream: QuicStream): void {
    if (this.patient.size > 0) this.patient.delete(stream);
    if (stream.waitsToWrite) return;
    stream.waitsToWrite = true;
    this.waiting[stream.urgency]?.push(stream);
    this.count++;
  }

  /**
   * For what nobody waits for. It does not leave with the words of other streams: the native side puts one stream into
   * a datagram, and so each would make one more.
   */
  addLater(stream: QuicStream): void {
    if (!stream.waitsToWrite) this.patient.add(stream);
  }

  /** What was to come later comes now. */
  hurry(): void {
    for (const stream of this.patient) this.add(stream);
  }

  get hasLater(): boolean {
    return this.patient.size > 0;
  }

  get empty(): boolean {
    return this.count === 0;
  }

  clear(): void {
    for (const streams of this.waiting) {
      for (const stream of streams) stream.waitsToWrite = false;
      streams.length = 0;
    }
    this.count = 0;
    this.patient.clear();
  }

  /** Lets each stream write what there is room for. */
  flush(): void {
    if (this.count === 0) return;
    for (const streams of this.waiting) if (streams.length > 0) this.flushAll(streams);
  }

  private flushAll(streams: QuicStream[]): void {
    // An array visits what is added while it is walked: a drain handler may write again.
    for (const stream of streams) {
      stream.waitsToWrite = false;
      const progress = stream.flush();
      if (progress === 'blocked') this.unlucky.push(stream);
      else if (progress === 'partly') this.served.push(stream);
    }
    this.count -= streams.length;
    streams.length = 0;
    // Those that got nothing come first in the next turn.
    for (const stream of this.unlucky) this.add(stream);
    for (const stream of this.served) this.add(stream);
    this.unlucky.length = 0;
    this.served.length = 0;
  }
}
