import { randomFillSync, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Random bytes are drawn for so many ids at once: a call for each costs several times the rest of the id. */
const POOLED_IDS = 256;
const ID_BYTES = 16;
/** The sequence starts below this in each millisecond, which leaves room for 2^31 ids to follow. */
const FIRST_SEQUENCE = 2 ** 31;

/**
 * UUIDs of version 7 (RFC 9562 §5.7) that ascend in the order in which they were made, also within one millisecond and
 * when the clock is set back (§6.2, method 1: a counter of 32 bits that starts at random in each millisecond).
 */
export class TaskIds {
  readonly #pool = new Uint8Array(POOLED_IDS * ID_BYTES);
  #used = POOLED_IDS * ID_BYTES;
  #msecs = 0;
  #sequence = 0;

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
    return uuidv7({ msecs: this.#msecs, seq: this.#sequence, rng: this.#random });
  }

  readonly #random = (): Uint8Array => {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#used += ID_BYTES;
    // A copy is made before the next call.
    return this.#pool.subarray(this.#used - ID_BYTES, this.#used);
  };
}
