import { at } from '../at.js';
import { emptyColumn } from './column.js';
import type { Deviation } from './options.js';

/**
 * What holds of the last `period` values at each row, in O(rows) whatever the period, without drift.
 *
 * The rows are cut into blocks as long as the window. A window then is the end of one block and the beginning of the
 * next, so it is enough to know what holds of each block's ends and beginnings (van Herk 1992, Gil & Werman 1993, who
 * take maxima this way). Nothing is ever taken out of a running sum, so that no rounding is carried along, a flat
 * window has exactly no deviation, and a NaN spoils the windows that hold it and no others. A row depends on rows up
 * to it alone.
 */

export interface RollingMoments {
  readonly mean: Float64Array;
  /** Standard deviation, 0 or more. */
  readonly deviation: Float64Array;
}

/** Mean of the last `period` values, from row first + period - 1 on; `first` is the first row of `values` that counts. */
export function rollingMean(values: Float64Array, period: number, first = 0): Float64Array {
  return roll(values, period, first, undefined);
}

/** Mean and standard deviation of the last `period` values, from row first + period - 1 on. A sample needs a period of 2. */
export function rollingMoments(
  values: Float64Array,
  period: number,
  divisor: Deviation,
  first = 0,
): RollingMoments {
  const deviation = emptyColumn(values.length);
  const mean = roll(values, period, first, deviation);
  const count = divisor === 'population' ? period : period - 1;
  for (let row = first + period - 1; row < values.length; row++) {
    deviation[row] = Math.sqrt(at(deviation, row) / count);
  }
  return { mean, deviation };
}

/**
 * Means, and into `squares` the sums of squared differences to them. Within a block by Welford's update (1962), over
 * two blocks by the merge of Chan, Golub & LeVeque (1979): neither subtracts large numbers from each other.
 */
function roll(
  values: Float64Array,
  period: number,
  first: number,
  squares: Float64Array | undefined,
): Float64Array {
  const rows = values.length;
  const means = emptyColumn(rows);
  // Of the previous block from each offset to its end.
  const endMean = new Float64Array(period);
  const endSquares = new Float64Array(period);
  for (let start = first; start < rows; start += period) {
    const end = Math.min(start + period, rows);
    let mean = 0;
    let sum = 0;
    for (let row = start; row < end; row++) {
      const count = row - start + 1;
      const change = at(values, row) - mean;
      mean += change / count;
      sum += change * (at(values, row) - mean);
      if (count === period) {
        means[row] = mean;
        if (squares !== undefined) squares[row] = sum;
      } else if (start !== first) {
        const before = at(endMean, count);
        const apart = mean - before;
        means[row] = before + (apart * count) / period;
        if (squares !== undefined) {
          squares[row] = at(endSquares, count) + sum + (apart * apart * count * (period - count)) / period;
        }
      }
    }
    mean = 0;
    sum = 0;
    for (let row = end - 1; row >= start; row--) {
      const change = at(values, row) - mean;
      mean += change / (end - row);
      sum += change * (at(values, row) - mean);
      endMean[row - start] = mean;
      endSquares[row - start] = sum;
    }
  }
  return means;
}

/** Highest or lowest of the last `period` values, from row period - 1 on. */
export function rollingExtreme(
  values: Float64Array,
  period: number,
  which: 'highest' | 'lowest',
): Float64Array {
  const rows = values.length;
  const extremes = emptyColumn(rows);
  // The lowest is the highest of the negated values, negated: exact, and one loop for both.
  const sign = which === 'highest' ? 1 : -1;
  const endHighest = new Float64Array(period);
  for (let start = 0; start < rows; start += period) {
    const end = Math.min(start + period, rows);
    let highest = -Infinity;
    for (let row = start; row < end; row++) {
      const count = row - start + 1;
      highest = Math.max(highest, sign * at(values, row));
      if (count === period) extremes[row] = sign * highest;
      else if (start !== 0) extremes[row] = sign * Math.max(highest, at(endHighest, count));
    }
    highest = -Infinity;
    for (let row = end - 1; row >= start; row--) {
      highest = Math.max(highest, sign * at(values, row));
      endHighest[row - start] = highest;
    }
  }
  return extremes;
}
