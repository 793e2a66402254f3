import { at } from '../at.js';
import { METER_CELLS, WorkMeter } from './work-meter.js';

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

/** The distance at which each of so many points is 1 off. */
export function sizeOf(points: number, cost: DtwCost): number {
  return cost === 'squared' ? Math.sqrt(points) : points;
}

/**
 * Accumulated warping cost (the sum, before any root) of many candidates to one query, by EAPrunedDTW (Herrmann &
 * Webb 2021, "Early abandoning and pruning for elastic distances"): of each row only the cells are computed that can
 * still lead to an alignment under the bound. Holds two rows of the table, as long as the query: nothing is allocated
 * for a candidate.
 */
export class WarpingCost {
  /** Cell j is the column of query point j - 1; cell 0 is the border. */
  #above: Float64Array;
  #row: Float64Array;
  readonly #query: Float64Array;
  readonly #squared: boolean;
  readonly #radius: number;
  readonly #meter: WorkMeter;

  constructor(query: Float64Array, cost: DtwCost, window: number | null, meter = new WorkMeter()) {
    if (query.length === 0) throw new RangeError('dtw: a series needs at least one point');
    this.#above = new Float64Array(query.length + 1);
    this.#row = new Float64Array(query.length + 1);
    this.#query = query;
    this.#squared = cost === 'squared';
    this.#radius = window ?? Infinity;
    this.#meter = meter;
  }

  /**
   * Exact when it is less than `bound`; otherwise some value of `bound` or more. Costs are never negative, so a cell
   * that with what must still come reaches the bound is on no alignment under it; a row without another is the end.
   *
   * @param restFrom at index i, a lower bound on what candidate points i and later must still cost.
   */
  of(candidate: Float64Array, bound: number, restFrom?: Float64Array): number {
    const rows = candidate.length;
    if (rows === 0) throw new RangeError('dtw: a series needs at least one point');
    const query = this.#query;
    const squared = this.#squared;
    const columns = query.length;
    let above = this.#above;
    let row = this.#row;
    above[0] = 0;
    // Of the row above: cells from `first` up to, not including, `end` may count. The cell before `first` is at the
    // limit or infinite, the cell before `end` is under the limit.
    let first = 1;
    let end = 1;
    let cells = 0;
    for (let i = 1; i <= rows; i++) {
      const to = Math.min(columns, i + this.#radius);
      if (i - this.#radius > first) {
        first = i - this.#radius;
        if (first > end) return Infinity;
      }
      const value = at(candidate, i - 1);
      const limit = restFrom === undefined || i === rows ? bound : bound - at(restFrom, i);
      let j = first;
      let diagonal = at(above, j - 1);
      let left = Infinity;
      /** After the last cell of this row that is under the limit; 0 while there is none. */
      let open = 0;
      row[j - 1] = Infinity;
      // As long as every cell is at the limit or over it, nothing comes from the left.
      for (; j < end && open === 0; j++) {
        const up = at(above, j);
        const difference = value - at(query, j - 1);
        left = Math.min(diagonal, up) + (squared ? difference * difference : Math.abs(difference));
        diagonal = up;
        row[j] = left;
        if (left < limit) open = j + 1;
        else first = j + 1;
      }
      for (; j < end; j++) {
        const up = at(above, j);
        const difference = value - at(query, j - 1);
        left =
          Math.min(left, Math.min(diagonal, up)) + (squared ? difference * difference : Math.abs(difference));
        diagonal = up;
        row[j] = left;
        if (left < limit) open = j + 1;
      }
      if (j <= to) {
        // Nothing above counts any more.
        const difference = value - at(query, j - 1);
        left = Math.min(left, diagonal) + (squared ? difference * difference : Math.abs(difference));
        row[j] = left;
        j++;
        if (left < limit) open = j;
        for (; j === open && j <= to; j++) {
          const step = value - at(query, j - 1);
          left += squared ? step * step : Math.abs(step);
          row[j] = left;
          if (left < limit) open = j + 1;
        }
      }
      if (open === 0) return Infinity;
      cells += j - first;
      if (cells >= METER_CELLS) {
        this.#meter.add(cells);
        cells = 0;
      }
      end = open;
      const swap = above;
      above = row;
      row = swap;
    }
    this.#meter.add(cells);
    return end > columns ? at(above, columns) : Infinity;
  }
}
