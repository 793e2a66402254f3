/** For so long an answer is waited for awake: about as long as it takes to put two processes to sleep and wake them. */
const QUICK_MS = 0.1;
/** So many quick answers are needed; more than MOST do not count. */
const ENOUGH = 16;
const MOST = 32;
/** What a wait in vain costs of them. Each one doubles it, and each answer to who waited awake halves it. */
const PRICE = 8;
const HIGHEST_PRICE = 8192;

/**
 * Whether to look for an answer again instead of going to sleep until it comes. To fall asleep and be woken takes both
 * sides of an exchange most of its time, above all on virtual processors: a message of 256 bytes is back in a third of
 * the time where both stay awake.
 *
 * Who waits awake takes the processor from others, from the one who is to answer perhaps. So it begins only after many
 * quick answers, and each wait in vain puts it off: hardly where few are, for thousands of answers where all are (both
 * sides on one core). Times are milliseconds on one clock.
 */
export class BusyPoll {
  #quick = 0;
  #price = PRICE;
  /** -Infinity: nothing was sent, or what it led to is known. */
  #sentAt = -Infinity;
  #isAwake = false;

  /** Something was sent that may be answered. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /** Something came. */
  heard(now: number): void {
    if (this.#sentAt === -Infinity) return;
    if (now - this.#sentAt < QUICK_MS) {
      if (this.#isAwake) this.#price = Math.max(PRICE, this.#price / 2);
      this.#quick = Math.min(MOST, this.#quick + 1);
    } else if (this.#isAwake) {
      this.#payInVain();
    } else if (this.#quick > 0) {
      this.#quick = Math.max(0, this.#quick - PRICE);
    }
    this.#isAwake = false;
    this.#sentAt = -Infinity;
  }

  /** Asked each time before the process would sleep. */
  staysAwake(now: number): boolean {
    if (this.#quick < ENOUGH || this.#sentAt === -Infinity) return false;
    if (now - this.#sentAt < QUICK_MS) {
      this.#isAwake = true;
      return true;
    }
    if (this.#isAwake) {
      this.#payInVain();
      this.#isAwake = false;
      this.#sentAt = -Infinity;
    }
    return false;
  }

  #payInVain(): void {
    this.#quick -= this.#price;
    this.#price = Math.min(HIGHEST_PRICE, 2 * this.#price);
  }
}
