import type { QuicStream } from './quic-stream.js';

const URGENCIES = 8;

/**
 * The streams that have something to hand over, the most urgent first. The native side sends by urgency only what it
 * already holds, and it holds no more than the congestion window: so whoever writes first in a turn takes the room,
 * and the order of writing decides. Streams of one urgency take turns.
 */
export class WriteQueue {
  /** By urgency, 0 first. Each holds all and only the streams of that urgency that wait to write. */
  private readonly waiting = Array.from({ length: URGENCIES }, () => new Set<QuicStream>());
  /** Streams that wait for the next `hurry`. */
  private readonly patient = new Set<QuicStream>();
  private readonly unlucky: QuicStream[] = [];
  private readonly served: QuicStream[] = [];

  add(stream: QuicStream): void {
    this.patient.delete(stream);
    this.waiting[stream.urgency]?.add(stream);
  }

  /**
   * For what nobody waits for. It does not leave with the words of other streams: the native side puts one stream into
   * a datagram, and so each would make one more.
   */
  addLater(stream: QuicStream): void {
    if (this.waiting[stream.urgency]?.has(stream) !== true) this.patient.add(stream);
  }

  /** What was to come later comes now. */
  hurry(): void {
    for (const stream of this.patient) this.add(stream);
  }

  get hasLater(): boolean {
    return this.patient.size > 0;
  }

  get empty(): boolean {
    for (const set of this.waiting) if (set.size > 0) return false;
    return true;
  }

  clear(): void {
    for (const set of this.waiting) set.clear();
    this.patient.clear();
  }

  /** Lets each stream write what there is room for. */
  flush(): void {
    for (const set of this.waiting) if (set.size > 0) this.flushSet(set);
  }

  private flushSet(set: Set<QuicStream>): void {
    for (const stream of set) {
      // Deleted first: a drain handler may write again and so add the stream anew.
      set.delete(stream);
      const progress = stream.flush();
      if (progress === 'blocked') this.unlucky.push(stream);
      else if (progress === 'partly') this.served.push(stream);
    }
    // Those that got nothing come first in the next turn.
    for (const stream of this.unlucky) set.add(stream);
    for (const stream of this.served) set.add(stream);
    this.unlucky.length = 0;
    this.served.length = 0;
  }
}
