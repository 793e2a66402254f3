/** Uniform numbers in [0, 1). Whoever seeds it decides everything. */
export interface RandomSource {
  fraction(): number;
}

/** T. Ettinger's mulberry32: the same numbers for the same seed, and the whole state is one integer. */
export class SeededRandom implements RandomSource {
  #state: number;

  /** `seed`: any integer; its low 32 bits count. Also takes what `state` gave, to go on from there. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  get state(): number {
    return this.#state;
  }

  fraction(): number {
    return this.integer() / 2 ** 32;
  }

  /** Uniform from 0 to 2^32 - 1. */
  integer(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
