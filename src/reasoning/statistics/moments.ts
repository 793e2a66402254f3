export interface PlainMoments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared differences from the mean. */
  readonly squares: number;
}

/** Count, mean and variance of numbers seen one at a time (Welford 1962). */
export class Moments {
  #count: number;
  #mean: number;
  #squares: number;

  constructor(from: PlainMoments = { count: 0, mean: 0, squares: 0 }) {
    this.#count = from.count;
    this.#mean = from.mean;
    this.#squares = from.squares;
  }

  static of(values: Iterable<number>): Moments {
    const moments = new Moments();
    for (const value of values) moments.add(value);
    return moments;
  }

  add(value: number): void {
    this.#count++;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
  }

  /** `ones` values of 1 and `zeros` of 0 (Chan, Golub & LeVeque 1983). */
  addShares(ones: number, zeros: number): void {
    const added = ones + zeros;
    if (added === 0) return;
    const count = this.#count + added;
    const difference = ones / added - this.#mean;
    this.#squares += (ones * zeros) / added + (difference * difference * this.#count * added) / count;
    this.#mean += (difference * added) / count;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** 0 when nothing was added. */
  get mean(): number {
    return this.#mean;
  }

  /** Divided by n - 1; 0 for fewer than two values. */
  get variance(): number {
    return this.#count < 2 ? 0 : this.#squares / (this.#count - 1);
  }

  plain(): PlainMoments {
    return { count: this.#count, mean: this.#mean, squares: this.#squares };
  }
}
