import type { Nonce } from './store.js';

/** Single-use values that were used. */
export class MemoryNonces {
  readonly #expiresAt = new Map<string, number>();
  /** None expires before this: looking for expired ones earlier is in vain. */
  #nextExpiry = Infinity;

  constructor(readonly limit: number) {}

  /** True the first time. False as well when it has expired, or when there is no room. */
  consume(nonce: Nonce, now: number): boolean {
    if (this.#expiresAt.has(nonce.value) || nonce.expiresAt <= now) return false;
    if (this.#expiresAt.size >= this.limit && now >= this.#nextExpiry) this.#forgetExpired(now);
    if (this.#expiresAt.size >= this.limit) return false;
    this.#nextExpiry = Math.min(this.#nextExpiry, nonce.expiresAt);
    this.#expiresAt.set(nonce.value, nonce.expiresAt);
    return true;
  }

  #forgetExpired(now: number): void {
    this.#nextExpiry = Infinity;
    for (const [value, expiresAt] of this.#expiresAt) {
      if (expiresAt <= now) this.#expiresAt.delete(value);
      else this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
    }
  }
}
