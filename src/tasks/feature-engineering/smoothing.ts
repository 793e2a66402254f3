import { EMA } from 'trading-signals';
import { at } from '../at.js';
import { emptyColumn } from './column.js';
import type { Seed } from './options.js';

/** Averages that remember everything: each is the one before, moved towards the new value by a fixed share. */

/**
 * Exponential moving average: share 2 / (period + 1) of the new value. It has a value from row first + period - 1 on,
 * whatever the seed; `first` is the first row of `values` that counts.
 *
 * With seed `sma` that row holds the simple mean (ChartSchool, TA-Lib). With `first` the recursion starts at the first
 * value, as trading-signals has it, which computes it.
 */
export function ema(values: Float64Array, period: number, seed: Seed, first = 0): Float64Array {
  return seed === 'sma'
    ? smooth(values, period, 2 / (period + 1), first, emptyColumn(values.length))
    : emaFromFirst(values, period, first);
}

function emaFromFirst(values: Float64Array, period: number, first: number): Float64Array {
  const average = new EMA(period);
  const averages = emptyColumn(values.length);
  const stable = first + period - 1;
  for (let row = first; row < values.length; row++) {
    const value = average.update(at(values, row), false);
    if (row >= stable) averages[row] = value;
  }
  return averages;
}

/**
 * Wilder's average (1978): the mean of the first `period` values, then share 1 / period of each new one. From row
 * first + period - 1 on. Takes the place of `values`.
 */
export function wilder(values: Float64Array, period: number, first: number): Float64Array {
  return smooth(values, period, 1 / period, first, values);
}

/** Writes the averages to `target`, which may be `values` itself: a row is read before it is written. */
function smooth(
  values: Float64Array,
  period: number,
  share: number,
  first: number,
  target: Float64Array,
): Float64Array {
  const rows = values.length;
  const seedRow = first + period - 1;
  let sum = 0;
  for (let row = 0; row < Math.min(seedRow + 1, rows); row++) {
    if (row >= first) sum += at(values, row);
    target[row] = NaN;
  }
  if (seedRow >= rows) return target;
  let average = sum / period;
  target[seedRow] = average;
  for (let row = seedRow + 1; row < rows; row++) {
    average += (at(values, row) - average) * share;
    target[row] = average;
  }
  return target;
}
