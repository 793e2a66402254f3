import { at } from '../at.js';

/** What a subset is chosen by: a weight for each pair, row by row; 0 on the diagonal. */
export interface Weights {
  readonly size: number;
  readonly values: Float64Array;
}

/** A subset under search. */
export interface Choice {
  /** Rising. */
  readonly members: readonly number[];
  /** Sum of the weights of its pairs. */
  readonly total: number;
}

/** Differences of sums under this are rounding. */
export const ROUNDING = 1e-12;

/** Sum of the weights of the pairs of some. */
export function totalOf({ size, values }: Weights, members: readonly number[]): number {
  let total = 0;
  members.forEach((a, i) => {
    for (let j = i + 1; j < members.length; j++) total += at(values, a * size + (members[j] ?? a));
  });
  return total;
}
