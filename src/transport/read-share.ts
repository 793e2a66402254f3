const BYTES = 256 * 1024;
const MILLISECONDS = 2;

/**
 * What one connection may hand over in a turn before others get theirs. Bytes alone would not do: small messages take
 * far longer than as many bytes of a large one.
 */
export class ReadShare {
  #bytes = BYTES;
  #until = Infinity;

  get used(): boolean {
    return this.#bytes <= 0;
  }

  /** A turn begins. */
  renew(): void {
    this.#bytes = BYTES;
    this.#until = performance.now() + MILLISECONDS;
  }

  /** So much is handed over. Whether more may be in this turn. */
  take(bytes: number): boolean {
    this.#bytes -= bytes;
    if (performance.now() > this.#until) this.#bytes = 0;
    return !this.used;
  }
}
