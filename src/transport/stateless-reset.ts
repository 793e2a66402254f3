import { createHmac, randomFillSync } from 'node:crypto';
import { RESET_KEY_BYTES } from './transport.js';

const TOKEN_BYTES = 16;
/** RFC 9000 §10.3: shorter ones cannot be told from noise, and a reset must look like any packet. */
const MIN_RESET_BYTES = 21;
/** Longer ones tell nothing more. */
const MAX_RESET_BYTES = 43;
/** Sent in a second at most, so that nobody can keep us answering noise: enough for all agents of a large swarm. */
const PER_SECOND = 5_000;

/**
 * Stateless resets (RFC 9000 §10.3): the answer to a packet of a connection that is not known, most likely of a process
 * that is gone. A peer that finds its token at the end of a datagram knows at once that its connection is no more; without,
 * it would wait until enough of what it sends stays unanswered.
 *
 * The token of a connection follows from its id and a key, so that a process that starts again with the same key resets
 * the connections of the one before.
 */
export class StatelessResets {
  sent = 0;
  #key: Buffer;
  /** Of the current second. */
  #budget = PER_SECOND;
  #second = -1;

  /** @throws RangeError unless `key` has RESET_KEY_BYTES. */
  constructor(key: Uint8Array) {
    this.#key = checked(key);
  }

  /** For tokens from now on. @throws as the constructor */
  setKey(key: Uint8Array): void {
    this.#key = checked(key);
  }

  /** What the peer is told, encrypted, when the connection begins. 16 bytes. */
  tokenOf(connectionId: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(connectionId).digest().subarray(0, TOKEN_BYTES);
  }

  /**
   * Writes a reset into `out` and returns its length; 0 when there must be none: the packet is so short that the answer would not
   * be shorter (two endpoints could then answer each other for ever), or too many were sent.
   * @param receivedBytes length of the packet that it answers.
   * @param now milliseconds, any epoch.
   */
  write(out: Buffer, connectionId: Uint8Array, receivedBytes: number, now: number): number {
    const length = Math.min(receivedBytes - 1, MAX_RESET_BYTES);
    if (length < MIN_RESET_BYTES || !this.#maySend(now)) return 0;
    randomFillSync(out, 0, length - TOKEN_BYTES);
    // a short header: the form bit is 0, the fixed bit 1
    out[0] = ((out[0] ?? 0) & 0x3f) | 0x40;
    this.tokenOf(connectionId).copy(out, length - TOKEN_BYTES);
    this.sent++;
    return length;
  }

  #maySend(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#budget = PER_SECOND;
    }
    return this.#budget > 0 && this.#budget-- > 0;
  }
}

function checked(key: Uint8Array): Buffer {
  if (key.length === RESET_KEY_BYTES) return Buffer.from(key);
  throw new RangeError(`a reset key has ${String(RESET_KEY_BYTES)} bytes, this one ${String(key.length)}`);
}
