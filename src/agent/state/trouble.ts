import type { Log } from '../../observe/log.js';
import { problemOf } from './errors.js';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** A file that cannot be written: said once when it begins and once when it is over, tried again in between. */
export class Trouble {
  readonly #log: Log;
  readonly #fields: object;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Log, fields: object) {
    this.#log = log;
    this.#fields = fields;
  }

  get lasts(): boolean {
    return this.#failures > 0;
  }

  /** It failed; `retry` is called after a while, a longer one each time. */
  happened(error: unknown, consequence: string, retry: () => void): void {
    if (this.#failures++ === 0) {
      this.#log.warn({ ...this.#fields, reason: problemOf(error) }, consequence);
    }
    const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    this.stop();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      retry();
    }, delay).unref();
  }

  /** It works. */
  over(relief: string): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#log.info(this.#fields, relief);
  }

  /** No more retries. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
