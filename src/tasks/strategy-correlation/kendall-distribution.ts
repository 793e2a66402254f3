import { at } from '../at.js';
import { normalTwoSided } from '../../numeric/normal.js';

/** Counts of one pair of series, from which tau and its test follow. */
export interface PairCounts {
  /** Common points. */
  readonly count: number;
  /** Pairs of points that one series orders one way and the other the other way. */
  readonly discordant: number;
  readonly tiesX: TieSums;
  readonly tiesY: TieSums;
  /** Pairs of points tied in both. */
  readonly tiedInBoth: number;
}

/** Sums over the groups of equal values of one series, each of t values. */
export interface TieSums {
  /** Σ t (t - 1) / 2: pairs of points tied. */
  pairs: number;
  /** Σ t (t - 1) (t - 2) */
  triples: number;
  /** Σ t (t - 1) (2 t + 5) */
  weighted: number;
}

/** Below this many points without ties the distribution is exact, as in R's cor.test. */
export const EXACT_BELOW = 50;

/** Concordant less discordant pairs: Kendall's S. */
export function score({ count, discordant, tiesX, tiesY, tiedInBoth }: PairCounts): number {
  const pairs = (count * (count - 1)) / 2;
  return pairs - tiesX.pairs - tiesY.pairs + tiedInBoth - 2 * discordant;
}

/** Kendall's tau-b (Kendall 1945); NaN for fewer than 3 points and when all values of a series are equal. */
export function tauB(counts: PairCounts): number {
  const { count, tiesX, tiesY } = counts;
  const pairs = (count * (count - 1)) / 2;
  const untiedX = pairs - tiesX.pairs;
  const untiedY = pairs - tiesY.pairs;
  if (count < 3 || untiedX === 0 || untiedY === 0) return NaN;
  // One root: that of a square is exact, so that perfect order is exactly 1.
  const tau = score(counts) / Math.sqrt(untiedX * untiedY);
  return Math.min(1, Math.max(-1, tau));
}

/** Two-sided p-values of S. Keeps the exact distributions it has computed. */
export class KendallTest {
  readonly #cumulative = new Map<number, Float64Array>();

  pValue(counts: PairCounts): number {
    const { count, discordant, tiesX, tiesY } = counts;
    if (Number.isNaN(tauB(counts))) return NaN;
    if (count < EXACT_BELOW && tiesX.pairs === 0 && tiesY.pairs === 0) return this.#exact(count, discordant);
    return normalTwoSided(score(counts) / Math.sqrt(variance(counts)));
  }

  #exact(count: number, discordant: number): number {
    let cumulative = this.#cumulative.get(count);
    if (cumulative === undefined) {
      cumulative = inversionDistribution(count);
      this.#cumulative.set(count, cumulative);
    }
    const pairs = (count * (count - 1)) / 2;
    return Math.min(1, 2 * at(cumulative, Math.min(discordant, pairs - discordant)));
  }
}

/**
 * P(inversions <= k) of a random permutation of `count` elements. Its k inversions are those of the first i - 1
 * elements and 0 to i - 1 that element i adds, each equally likely (Kendall 1938).
 */
function inversionDistribution(count: number): Float64Array {
  let distribution = Float64Array.of(1);
  for (let i = 2; i <= count; i++) {
    const next = new Float64Array((i * (i - 1)) / 2 + 1);
    let sum = 0;
    for (let k = 0; k < next.length; k++) {
      if (k < distribution.length) sum += at(distribution, k);
      if (k >= i) sum -= at(distribution, k - i);
      next[k] = sum / i;
    }
    distribution = next;
  }
  for (let k = 1; k < distribution.length; k++) {
    distribution[k] = at(distribution, k) + at(distribution, k - 1);
  }
  return distribution;
}

/** Variance of S when the series are independent, corrected for ties (Kendall 1970, chapter 4). */
function variance({ count, tiesX, tiesY }: PairCounts): number {
  const pairs2 = count * (count - 1);
  return (
    (pairs2 * (2 * count + 5) - tiesX.weighted - tiesY.weighted) / 18 +
    (2 * tiesX.pairs * tiesY.pairs) / pairs2 +
    (tiesX.triples * tiesY.triples) / (9 * pairs2 * (count - 2))
  );
}
