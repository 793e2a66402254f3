const BYTES = 512 * 1024;

/**
 * What one connection may hand over in a turn before others get theirs: so many bytes, and what comes until the turn is
 * over. Bytes alone would not do: small messages take far longer than as many bytes of a large one. The first reading is
 * free, so that every connection gets on, however many there are.
 */
export class ReadShare {
  #bytes = BYTES;
  #until = Infinity;

  get used(): boolean {
    return this.#bytes <= 0;
  }

  /** Nothing was handed over in this turn. */
  get untouched(): boolean {
    return this.#bytes === BYTES;
  }

  /** A turn begins, which is to be over at `until`, on the clock of `performance.now`. */
  renew(until: number): void {
    this.#bytes = BYTES;
    this.#until = until;
  }

  /** So much is handed over. */
  take(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Whether more may be handed over in this turn. Asked when there is more, as it looks at the clock. */
  mayGoOn(): boolean {
    if (performance.now() > this.#until) this.#bytes = 0;
    return !this.used;
  }
}
