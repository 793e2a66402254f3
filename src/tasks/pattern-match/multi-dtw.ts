import { at } from '../at.js';
import { type DtwCost, toDistance } from './dtw.js';
import { costLimit, envelope } from './lower-bounds.js';
import type { Comparator } from './metrics.js';
import { dtwSimilarity } from './similarity.js';
import { METER_CELLS, type WorkMeter } from './work-meter.js';

export interface MultiDtwOptions {
  readonly dimensions: number;
  readonly cost: DtwCost;
  /** Sakoe-Chiba radius, or null for none. */
  readonly window: number | null;
}

/**
 * Dependent DTW of series of several dimensions (Shokoohi-Yekta et al. 2017): one alignment for all dimensions, where a pair of
 * points costs the sum over the dimensions of their squared (or absolute) differences. Series are interleaved, the
 * dimensions of a point side by side; weights are in their scale already.
 *
 * LB_Keogh holds dimension by dimension, so the sum over the dimensions bounds the whole; what it says of the points to
 * come prunes the table, row by row.
 */
export class MultiDtwComparator implements Comparator {
  readonly #query: Float64Array;
  readonly #points: number;
  readonly #dimensions: number;
  readonly #cost: DtwCost;
  readonly #squared: boolean;
  readonly #radius: number;
  readonly #meter: WorkMeter;
  /** Interleaved, for candidates as long as the longest. */
  readonly #lower: Float64Array;
  readonly #upper: Float64Array;
  readonly #restFrom: Float64Array;
  #above: Float64Array;
  #row: Float64Array;

  /** @param query interleaved, @param longest points of the longest candidate */
  constructor(query: Float64Array, options: MultiDtwOptions, longest: number, meter: WorkMeter) {
    const { dimensions, cost, window } = options;
    this.#query = query;
    this.#points = query.length / dimensions;
    this.#dimensions = dimensions;
    this.#cost = cost;
    this.#squared = cost === 'squared';
    this.#radius = window ?? Infinity;
    this.#meter = meter;
    this.#lower = new Float64Array(longest * dimensions);
    this.#upper = new Float64Array(longest * dimensions);
    for (let d = 0; d < dimensions; d++) {
      const one = Float64Array.from({ length: this.#points }, (_, i) => at(query, i * dimensions + d));
      const { lower, upper } = envelope(one, window, longest);
      for (let i = 0; i < longest; i++) {
        this.#lower[i * dimensions + d] = at(lower, i);
        this.#upper[i * dimensions + d] = at(upper, i);
      }
    }
    this.#restFrom = new Float64Array(longest + 1);
    this.#above = new Float64Array(this.#points + 1);
    this.#row = new Float64Array(this.#points + 1);
  }

  distance(candidate: Float64Array, bound: number): number {
    const limit = costLimit(bound, this.#cost);
    const rows = candidate.length / this.#dimensions;
    // Every alignment pairs the first points, and the last.
    const last = rows === 1 && this.#points === 1 ? 0 : this.#pair(candidate, rows - 1, this.#points - 1);
    if (this.#pair(candidate, 0, 0) + last >= limit) return Infinity;
    if (this.#envelopeBound(candidate, rows, limit) >= limit) return Infinity;
    return toDistance(this.#warping(candidate, rows, limit), this.#cost);
  }

  similarity(distance: number): number {
    return dtwSimilarity(distance, this.#points, this.#cost);
  }

  #pair(candidate: Float64Array, i: number, j: number): number {
    const dimensions = this.#dimensions;
    const query = this.#query;
    const left = i * dimensions;
    const right = j * dimensions;
    let sum = 0;
    for (let d = 0; d < dimensions; d++) {
      const difference = at(candidate, left + d) - at(query, right + d);
      sum += this.#squared ? difference * difference : Math.abs(difference);
    }
    return sum;
  }

  /** LB_Keogh, from the last point to the first; fills `restFrom` as far as it comes. */
  #envelopeBound(candidate: Float64Array, rows: number, limit: number): number {
    const dimensions = this.#dimensions;
    const restFrom = this.#restFrom;
    let sum = 0;
    restFrom[rows] = 0;
    for (let i = rows - 1; i >= 0; i--) {
      for (let n = i * dimensions; n < (i + 1) * dimensions; n++) {
        const value = at(candidate, n);
        const outside = Math.max(0, value - at(this.#upper, n), at(this.#lower, n) - value);
        sum += this.#squared ? outside * outside : outside;
      }
      if (sum >= limit) return sum;
      restFrom[i] = sum;
    }
    return sum;
  }

  /** The accumulated cost: exact when it is less than `limit`, else `limit` or more. See WarpingCost. */
  #warping(candidate: Float64Array, rows: number, limit: number): number {
    const columns = this.#points;
    let above = this.#above;
    let row = this.#row;
    above[0] = 0;
    // Of the row above, cells from `first` up to, not including, `end` may count; the one before `first` is written too.
    let first = 1;
    let end = 1;
    let cells = 0;
    for (let i = 1; i <= rows; i++) {
      const to = Math.min(columns, i + this.#radius);
      if (i - this.#radius > first) {
        first = i - this.#radius;
        if (first > end) return Infinity;
      }
      const wall = limit - at(this.#restFrom, i);
      let diagonal = at(above, first - 1);
      let left = Infinity;
      let open = 0;
      let j = first;
      row[first - 1] = Infinity;
      for (; j <= to && (j <= end || left < wall); j++) {
        const up = j < end ? at(above, j) : Infinity;
        const best = Math.min(left, diagonal, up);
        left = best < Infinity ? best + this.#pair(candidate, i - 1, j - 1) : Infinity;
        diagonal = up;
        row[j] = left;
        if (left < wall) open = j + 1;
        else if (open === 0) first = j + 1;
      }
      if (open === 0) return Infinity;
      cells += j - first + 1;
      if (cells >= METER_CELLS) {
        this.#meter.add(cells * this.#dimensions);
        cells = 0;
      }
      end = open;
      [above, row] = [row, above];
    }
    this.#meter.add(cells * this.#dimensions);
    return end > columns ? at(above, columns) : Infinity;
  }
}
