/** Lets callers through one at a time, in the order they came, while a condition holds that each of them changes. */
export class Turnstile {
  readonly #open: () => boolean;
  readonly #queue = new Set<{ resolve(): void; reject(reason: unknown): void }>();
  /** Somebody was let through and has not yet said `used`. */
  #passing = false;

  constructor(open: () => boolean) {
    this.#open = open;
  }

  get empty(): boolean {
    return this.#queue.size === 0;
  }

  /** Nobody waits and the condition holds: the caller may go on without waiting. */
  get isOpen(): boolean {
    return !this.#passing && this.empty && this.#open();
  }

  /** Resolves when it is the caller's turn, who then has to say `used`. Rejects with the signal's reason. */
  async pass(signal?: AbortSignal): Promise<void> {
    if (this.isOpen) {
      this.#passing = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#queue.delete(waiting);
        signal?.removeEventListener('abort', abort);
      };
      const waiting = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (reason: unknown) => {
          leave();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason of a signal may be anything
          reject(reason);
        },
      };
      const abort = () => waiting.reject(signal?.reason);
      this.#queue.add(waiting);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The condition may hold now. */
  turn(): void {
    const [first] = this.#queue;
    if (first === undefined || this.#passing || !this.#open()) return;
    this.#passing = true;
    first.resolve();
  }

  /** The caller who was let through has done what changes the condition: the next one may follow. */
  used(): void {
    this.#passing = false;
    this.turn();
  }

  rejectAll(reason: unknown): void {
    for (const waiting of this.#queue) waiting.reject(reason);
  }
}
