import { at } from '../at.js';

/** A match as the forecast sees it. */
export interface Evidence {
  /** 0 to 1; the match's weight. */
  readonly similarity: number;
  /** What followed the match, or null when that is not known. */
  readonly outcome: number | null;
}

export interface Forecast {
  /** 0 to 1. */
  readonly confidence: number;
  /** In the unit of the outcomes, or null when no outcome is known or nothing resembles the query. */
  readonly expectedOutcome: number | null;
}

/**
 * What followed a stretch of a series that ends at index `last`: the change over the next `horizon` points relative to
 * the last one, (series[last + horizon] - series[last]) / |series[last]|; 0.02 is a rise of 2 %.
 *
 * @returns null when the series ends before, when `horizon` is 0, or when series[last] is 0 (or so small that the
 * ratio overflows).
 */
export function outcomeAfter(series: Float64Array, last: number, horizon: number): number | null {
  if (horizon === 0 || last + horizon >= series.length) return null;
  const level = at(series, last);
  const change = (at(series, last + horizon) - level) / Math.abs(level);
  return Number.isFinite(change) ? change : null;
}

/**
 * What to expect from what followed the matches.
 *
 * - `expectedOutcome`: mean of the known outcomes, weighted by similarity.
 * - `confidence`: mean similarity of all matches, times the agreement: the share of the weight of known outcomes whose
 *   sign is that of `expectedOutcome`. Without known outcomes the agreement is 1: the matches speak for themselves alone.
 */
export function forecast(matches: readonly Evidence[]): Forecast {
  if (matches.length === 0) return { confidence: 0, expectedOutcome: null };
  const meanSimilarity = matches.reduce((sum, { similarity }) => sum + similarity, 0) / matches.length;
  let weight = 0;
  let expected = 0;
  // A running mean: it stays between the outcomes, where a sum of large ones would overflow.
  for (const { similarity, outcome } of matches) {
    if (outcome === null || similarity === 0) continue;
    weight += similarity;
    const share = similarity / weight;
    expected = expected * (1 - share) + outcome * share;
  }
  if (weight === 0) return { confidence: meanSimilarity, expectedOutcome: null };
  let agreeing = 0;
  for (const { similarity, outcome } of matches) {
    if (outcome !== null && Math.sign(outcome) === Math.sign(expected)) agreeing += similarity;
  }
  // Sums taken in different orders may exceed 1 by a rounding.
  return {
    confidence: Math.min(1, meanSimilarity * Math.min(1, agreeing / weight)),
    expectedOutcome: expected,
  };
}
