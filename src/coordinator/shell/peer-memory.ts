import type { ErrorName } from '../../protocol/errors.js';
import { MAX_CONCURRENCY } from '../../protocol/limits.js';
import { ByteBound, type Holder } from './byte-bound.js';

/** What peers may make the coordinator hold, beside the windows of the transport. In bytes. */
export interface PeerMemoryLimits {
  /** Sent to one peer and not yet taken by the network: the peer does not read. */
  readonly unsentEach: number;
  readonly unsentTotal: number;
  /** Of frames that have come in part, for one peer: our own clients have no more than 64 MiB under way. */
  readonly unfinishedEach: number;
  readonly unfinishedTotal: number;
}

/**
 * Two of the longest messages, and no less than 128 MiB. Of what is sent also no less than an agent's lanes get for all
 * the credit it can give, so that one that takes tasks slowly is not mistaken for one that does not read.
 */
export function peerMemoryLimits(maxMessageBytes: number, ownStreamThresholdBytes: number): PeerMemoryLimits {
  const unfinishedEach = Math.max(128 * 1024 * 1024, 2 * maxMessageBytes);
  const unsentEach = Math.max(unfinishedEach, MAX_CONCURRENCY * (ownStreamThresholdBytes + 1024));
  return {
    unsentEach,
    unsentTotal: 2 * unsentEach,
    unfinishedEach,
    unfinishedTotal: 4 * unfinishedEach,
  };
}

/** Small messages to one peer are counted together. */
const COUNT_FROM_BYTES = 64 * 1024;

/** The account of one peer. */
export interface PeerShare {
  /** Handed to the transport, or kept for it. */
  sent(bytes: number): void;
  /** Held of unfinished frames from now on; fewer when negative. */
  received(bytes: number): void;
  release(): void;
}

/** The memory that peers take by not reading, or by not finishing what they send. */
export class PeerMemory {
  readonly #limits: PeerMemoryLimits;
  readonly #unsent: ByteBound;
  readonly #unfinished: ByteBound;

  constructor(limits: PeerMemoryLimits) {
    this.#limits = limits;
    this.#unsent = new ByteBound(limits.unsentEach, limits.unsentTotal);
    this.#unfinished = new ByteBound(limits.unfinishedEach, limits.unfinishedTotal);
  }

  /** `unsentBytes` measures what waits to be sent; `close` ends the peer's connection. */
  share(unsentBytes: () => number, close: (error: ErrorName, reason: string) => void): PeerShare {
    const { unsentEach, unsentTotal, unfinishedEach, unfinishedTotal } = this.#limits;
    let uncounted = 0;
    let unfinishedBytes = 0;
    const reader: Holder = {
      measure: unsentBytes,
      cutOff: (bytes) => close('SLOW_READER', overdraft(bytes, 'wait unread', unsentEach, unsentTotal)),
    };
    const writer: Holder = {
      measure: () => unfinishedBytes,
      cutOff: (bytes) => {
        const text = overdraft(bytes, 'came of unfinished messages', unfinishedEach, unfinishedTotal);
        close('TOO_MANY_REQUESTS', text);
      },
    };
    return {
      sent: (bytes) => {
        uncounted += bytes;
        if (uncounted < COUNT_FROM_BYTES) return;
        this.#unsent.add(reader, uncounted);
        uncounted = 0;
      },
      received: (bytes) => {
        unfinishedBytes += bytes;
        this.#unfinished.add(writer, bytes);
      },
      release: () => {
        this.#unsent.remove(reader);
        this.#unfinished.remove(writer);
      },
    };
  }
}

function overdraft(bytes: number, what: string, each: number, total: number): string {
  const bound = bytes > each ? `${each} for one peer` : `${total} for all peers, and no other has more`;
  return `${bytes} bytes ${what}, of at most ${bound}`;
}
