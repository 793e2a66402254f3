import type { ConnectionStats } from '../../transport/transport.js';

/**
 * After how much a connection is used up. Each stream that has ended leaves its id in the QUIC library for as long as the
 * connection lives; a new connection has none.
 */
export interface RecycleRule {
  /** Streams opened by either side. */
  readonly streams: number;
  /** Sent and received. */
  readonly bytes: number;
}

export const DEFAULT_RECYCLE: RecycleRule = { streams: 100_000, bytes: 64 * 1024 ** 3 };

/** The peer hands over to a new connection in its own time; at so many times the rule it is made to. */
const PATIENCE = 2;
/** Reading a connection's counters costs some 10 µs. */
const CHECK_EVERY = 256;

/** How worn one connection is. */
export class Wear {
  readonly #stats: () => ConnectionStats;
  readonly #rule: RecycleRule;
  #uses = 0;

  constructor(stats: () => ConnectionStats, rule: RecycleRule) {
    this.#stats = stats;
    this.#rule = rule;
  }

  /** To be called with each message and each new stream. What to say to a peer that should have gone long ago, or null. */
  use(): string | null {
    if (++this.#uses % CHECK_EVERY !== 0) return null;
    const { streamsOpened, bytesSent, bytesReceived } = this.#stats();
    const bytes = bytesSent + bytesReceived;
    const { streams: maxStreams, bytes: maxBytes } = this.#rule;
    if (streamsOpened <= PATIENCE * maxStreams && bytes <= PATIENCE * maxBytes) return null;
    return `this connection has carried ${String(streamsOpened)} streams and ${String(bytes)} bytes: go on with a new one`;
  }
}
