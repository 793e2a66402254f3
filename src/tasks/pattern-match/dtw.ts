import { at } from './at.js';
import { WorkMeter } from './work-meter.js';

/** `squared`: the root of the sum of squared differences; `absolute`: the sum of absolute differences. */
export type DtwCost = 'squared' | 'absolute';

export interface DtwOptions {
  /** Default `squared`. */
  readonly cost?: DtwCost;
  /** Sakoe-Chiba radius: points i and j may be aligned when |i - j| <= window. Default null: no limit. */
  readonly window?: number | null;
}

/**
 * Dynamic time warping distance of two series (Sakoe & Chiba 1978): the least total cost of an alignment that starts
 * at both first points, ends at both last points and steps by (1,0), (0,1) or (1,1), each step of weight 1.
 * With `squared`, differences are squared and the result is the square root of their sum; with `absolute` it is the
 * plain sum. Symmetric; 0 for equal series; not a metric (the triangle inequality does not hold).
 *
 * @returns the distance, 0 or more; Infinity when the window is smaller than the difference of the lengths.
 * @throws RangeError when a series is empty.
 */
export function dtw(a: Float64Array, b: Float64Array, options: DtwOptions = {}): number {
  const { cost = 'squared', window = null } = options;
  return toDistance(new WarpingCost(b, cost, window).of(a, Infinity), cost);
}

/** Distance of an accumulated cost. */
export function toDistance(accumulated: number, cost: DtwCost): number {
  return cost === 'squared' ? Math.sqrt(accumulated) : accumulated;
}

/**
 * Accumulated warping cost (the sum, before any root) of many candidates to one query. Holds one row of the table,
 * as long as the query, and computes in place: O(query) memory, nothing allocated for a candidate.
 */
export class WarpingCost {
  /** Cell j is the column of query point j - 1; cell 0 is the border. */
  readonly #row: Float64Array;
  readonly #query: Float64Array;
  readonly #fillRow: RowFiller;
  readonly #radius: number;
  readonly #meter: WorkMeter;

  constructor(query: Float64Array, cost: DtwCost, window: number | null, meter = new WorkMeter()) {
    if (query.length === 0) throw new RangeError('dtw: a series needs at least one point');
    this.#row = new Float64Array(query.length + 1);
    this.#query = query;
    this.#fillRow = cost === 'squared' ? fillSquared : fillAbsolute;
    this.#radius = window ?? Infinity;
    this.#meter = meter;
  }

  /**
   * Exact when it is less than `bound`; otherwise some value of `bound` or more. Gives up at the first row where
   * every cell, with what must still come, reaches the bound: each alignment passes through every row, and costs are
   * never negative.
   *
   * @param restFrom at index i, a lower bound on what candidate points i and later must still cost.
   */
  of(candidate: Float64Array, bound: number, restFrom?: Float64Array): number {
    const rows = candidate.length;
    if (rows === 0) throw new RangeError('dtw: a series needs at least one point');
    const row = this.#row;
    const query = this.#query;
    const columns = query.length;
    row.fill(Infinity);
    row[0] = 0;
    for (let i = 0; i < rows; i++) {
      const from = Math.max(1, i + 1 - this.#radius);
      const to = Math.min(columns, i + 1 + this.#radius);
      if (from > to) return Infinity;
      const least = this.#fillRow(at(candidate, i), query, row, from, to);
      const rest = restFrom === undefined || i + 1 === rows ? 0 : at(restFrom, i + 1);
      if (least + rest >= bound) return Infinity;
      this.#meter.add(to - from + 1);
    }
    return at(row, columns);
  }
}

/** Turns the previous row into the next one within columns `from` to `to`; returns its least cell. */
type RowFiller = (value: number, query: Float64Array, row: Float64Array, from: number, to: number) => number;

/*
 * The two fillers differ in the cost alone; one filler with a choice inside its loop is a third slower. The band moves
 * right by at most one column a row, so `row[to]` above the band is still Infinity, and the border to the left of the
 * band is set to Infinity once its old value has served as the diagonal.
 */

const fillSquared: RowFiller = (value, query, row, from, to) => {
  let left = Infinity;
  let least = Infinity;
  let diagonal = at(row, from - 1);
  row[from - 1] = Infinity;
  for (let j = from; j <= to; j++) {
    const difference = value - at(query, j - 1);
    const up = at(row, j);
    left = Math.min(left, Math.min(diagonal, up)) + difference * difference;
    diagonal = up;
    row[j] = left;
    least = Math.min(least, left);
  }
  return least;
};

const fillAbsolute: RowFiller = (value, query, row, from, to) => {
  let left = Infinity;
  let least = Infinity;
  let diagonal = at(row, from - 1);
  row[from - 1] = Infinity;
  for (let j = from; j <= to; j++) {
    const up = at(row, j);
    left = Math.min(left, Math.min(diagonal, up)) + Math.abs(value - at(query, j - 1));
    diagonal = up;
    row[j] = left;
    least = Math.min(least, left);
  }
  return least;
};
