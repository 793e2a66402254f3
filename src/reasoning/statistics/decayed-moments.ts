/** The same as plain data, to be stored. */
export interface PlainDecayedMoments {
  readonly weight: number;
  readonly squaredWeight: number;
  readonly mean: number;
  readonly squares: number;
}

/**
 * Mean and variance in which each new value multiplies the weight of all before it by `decay`. The mean is the
 * exponentially weighted one with its weights scaled to sum to one, so it has no bias towards a starting value.
 */
export class DecayedMoments {
  readonly #decay: number;
  #weight: number;
  #squaredWeight: number;
  #mean: number;
  #squares: number;

  /** `decay`: over 0 to 1. At 1 nothing is forgotten. */
  constructor(
    decay: number,
    from: PlainDecayedMoments = { weight: 0, squaredWeight: 0, mean: 0, squares: 0 },
  ) {
    this.#decay = decay;
    this.#weight = from.weight;
    this.#squaredWeight = from.squaredWeight;
    this.#mean = from.mean;
    this.#squares = from.squares;
  }

  add(value: number): void {
    const decay = this.#decay;
    this.#weight = this.#weight * decay + 1;
    this.#squaredWeight = this.#squaredWeight * decay * decay + 1;
    const before = value - this.#mean;
    this.#mean += before / this.#weight;
    this.#squares = this.#squares * decay + before * (value - this.#mean);
  }

  /** 0 when nothing was added. */
  get mean(): number {
    return this.#mean;
  }

  /** How many values of equal weight would know the mean as well; at most (1 + decay) / (1 - decay). */
  get effectiveCount(): number {
    return this.#weight === 0 ? 0 : (this.#weight * this.#weight) / this.#squaredWeight;
  }

  /** Sum of the squares of the scaled weights: the variance of the mean is this times that of a value. */
  get concentration(): number {
    return this.#weight === 0 ? 1 : this.#squaredWeight / (this.#weight * this.#weight);
  }

  /** Weighted mean of squared differences from the mean. */
  get variance(): number {
    return this.#weight === 0 ? 0 : this.#squares / this.#weight;
  }

  /** These and one more value. */
  with(value: number): DecayedMoments {
    const more = new DecayedMoments(this.#decay, this.plain());
    more.add(value);
    return more;
  }

  plain(): PlainDecayedMoments {
    return {
      weight: this.#weight,
      squaredWeight: this.#squaredWeight,
      mean: this.#mean,
      squares: this.#squares,
    };
  }
}
