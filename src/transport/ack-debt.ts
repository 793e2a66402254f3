/** A shorter datagram holds acknowledgements, to which none is owed, or a PING, which is answered at once. */
const MESSAGE_BYTES = 48;

/**
 * How much of what came since we sent last is still to be acknowledged. RFC 9000 §13.2.1 lets an acknowledgement wait (up
 * to max_ack_delay, 25 ms), so that it travels with the answer instead of waking the peer for nothing; a second message is
 * acknowledged at once (§13.2.2).
 */
export class AckDebt {
  #messages = 0;

  received(datagramBytes: number): void {
    if (datagramBytes >= MESSAGE_BYTES) this.#messages++;
  }

  sent(): void {
    this.#messages = 0;
  }

  /** One message: its acknowledgement may wait. */
  get mayWait(): boolean {
    return this.#messages === 1;
  }

  get isDue(): boolean {
    return this.#messages > 1;
  }
}
