import { type DtwCost, sizeOf } from './dtw.js';

/**
 * Similarity of a DTW distance: 1 / (1 + d), where d is the distance per point of the query (for `squared` the root of
 * the mean square, distance / sqrt(points); for `absolute` the mean, distance / points). 1 for distance 0, towards 0
 * as it grows, and comparable between queries of different lengths. In units of the series, so most telling when the
 * series are normalised.
 */
export function dtwSimilarity(distance: number, points: number, cost: DtwCost): number {
  return 1 / (1 + distance / sizeOf(points, cost));
}

/**
 * Distance of a common subsequence of `length` points: the share of the shorter series that found no partner, 0 to 1
 * (Vlachos et al. 2002, definition 2).
 */
export function lcssDistance(length: number, shorter: number): number {
  return (shorter - length) / shorter;
}

/** Similarity of that distance: the share that found one, `length / shorter`, to the last bit. */
export function lcssSimilarity(distance: number, shorter: number): number {
  return (shorter - Math.round(distance * shorter)) / shorter;
}
