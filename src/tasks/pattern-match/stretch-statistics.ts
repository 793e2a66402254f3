import { at } from '../at.js';

/** Sums are begun anew this often, so that the rounding of updates cannot pile up. */
const RESTART = 512;
/** What trusted statistics are right to: the mean by so many deviations, the deviation by this share of itself. */
export const STATISTICS_ERROR = 1e-6;
/** What one operation of doubles may be off by, as a share. */
const ROUNDING = Number.EPSILON / 2;

/**
 * Mean and deviation of a stretch that moves along a series, updated by the point that enters and the one that leaves
 * (just-in-time normalisation, Rakthanmanon et al. 2012, section 4.2.4). Good for bounds, not for results:
 * `trusted` says whether they are right to STATISTICS_ERROR.
 */
export class StretchStatistics {
  mean = 0;
  /** 1 / deviation (of the population). */
  scale = 0;
  trusted = false;
  #position = -2;
  #reference = 0;
  #sum = 0;
  #squares = 0;
  /** Largest sum of squares since the last restart: what rounding errors are measured by. */
  #largest = 0;
  /**
   * A variance under this share of the squares that were summed has too few true digits left. The sum of squares is off by
   * at most (length + 4 RESTART) roundings of the largest, and the square of the sum, divided by the length, by twice
   * (length + 3 RESTART); the deviation by half the share of the variance.
   */
  readonly #trustedShare: number;

  constructor(
    private readonly series: Float64Array,
    private readonly length: number,
  ) {
    this.#trustedShare = ((3 * length + 10 * RESTART) * ROUNDING) / (2 * STATISTICS_ERROR);
  }

  /** To the stretch that begins at `position`; cheap when it is the next one. */
  moveTo(position: number): void {
    const { series, length } = this;
    if (position !== this.#position + 1 || position % RESTART === 0) this.#restart(position);
    else {
      const gone = at(series, position - 1) - this.#reference;
      const come = at(series, position + length - 1) - this.#reference;
      this.#sum += come - gone;
      this.#squares += come * come - gone * gone;
      if (this.#squares > this.#largest) this.#largest = this.#squares;
      this.#position = position;
    }
    const average = this.#sum / length;
    const variance = this.#squares / length - average * average;
    this.mean = this.#reference + average;
    this.scale = 1 / Math.sqrt(variance);
    this.trusted =
      variance * length > this.#trustedShare * this.#largest && this.scale * Math.abs(this.mean) < 1e7;
  }

  #restart(position: number): void {
    const { series, length } = this;
    const reference = at(series, position);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < length; i++) {
      const value = at(series, position + i) - reference;
      sum += value;
      squares += value * value;
    }
    this.#reference = reference;
    this.#sum = sum;
    this.#squares = squares;
    this.#largest = squares;
    this.#position = position;
  }
}
