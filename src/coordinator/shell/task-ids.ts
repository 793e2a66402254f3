import { randomFillSync, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Random bytes are drawn for so many ids at once: a call for each costs several times the rest of the id. */
const POOLED_IDS = 256;
const ID_BYTES = 16;
const HEX_DIGITS = '0123456789abcdef';
/** The sequence starts below this in each millisecond, which leaves room for 2^31 ids to follow. */
const FIRST_SEQUENCE = 2 ** 31;

/**
 * UUIDs of version 7 (RFC 9562 §5.7) that ascend in the order in which they were made, also within one millisecond and
 * when the clock is set back (§6.2, method 1: a counter of 32 bits that starts at random in each millisecond).
 */
export class TaskIds {
  /** It begins with what the latest id got. */
  readonly #pool = new Uint8Array(POOLED_IDS * ID_BYTES);
  #used = this.#pool.length;
  #msecs = 0;
  #sequence = 0;
  /** The latest id, as bytes and as ASCII with its hyphens: its text is made at once, not of 20 pieces. */
  readonly #bytes = new Uint8Array(ID_BYTES);
  readonly #ascii = Buffer.from('00000000-0000-0000-0000-000000000000');

  /** @param now milliseconds since the Unix epoch */
  next(now: number): string {
    const msecs = Math.floor(now);
    if (msecs > this.#msecs) {
      this.#msecs = msecs;
      this.#sequence = randomInt(FIRST_SEQUENCE);
    } else if (++this.#sequence >= 2 ** 32) {
      this.#msecs++;
      this.#sequence = randomInt(FIRST_SEQUENCE);
    }
    this.#draw();
    uuidv7({ msecs: this.#msecs, seq: this.#sequence, random: this.#pool }, this.#bytes);
    return this.#text();
  }

  #draw(): void {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#pool.copyWithin(0, this.#used, this.#used + ID_BYTES);
    this.#used += ID_BYTES;
  }

  #text(): string {
    let at = 0;
    for (const byte of this.#bytes) {
      if (at === 8 || at === 13 || at === 18 || at === 23) at++;
      this.#ascii[at++] = HEX_DIGITS.charCodeAt(byte >> 4);
      this.#ascii[at++] = HEX_DIGITS.charCodeAt(byte & 0x0f);
    }
    return this.#ascii.toString('latin1');
  }
}
