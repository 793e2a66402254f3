import { at } from '../at.js';
import { columnFrom } from './column.js';
import type { Deviation, Seed } from './options.js';
import { rollingExtreme, rollingMean, rollingMoments } from './rolling.js';
import { ema, wilder } from './smoothing.js';

/**
 * Relative strength index (Wilder 1978): 100 - 100 / (1 + RS), where RS is Wilder's average of the rises divided by
 * that of the falls; here as 100 rises / (rises + falls), which is the same and needs no case for no falls. 0 to 100,
 * from row `period` on. NaN where nothing has moved yet: that is 0 / 0.
 */
export function rsi(values: Float64Array, period: number): Float64Array {
  const rows = values.length;
  const rises = columnFrom(rows, 1, (row) => Math.max(0, at(values, row) - at(values, row - 1)));
  const falls = columnFrom(rows, 1, (row) => Math.max(0, at(values, row - 1) - at(values, row)));
  wilder(rises, period, 1);
  wilder(falls, period, 1);
  return columnFrom(rows, period, (row) => (100 * at(rises, row)) / (at(rises, row) + at(falls, row)));
}

export interface Macd {
  /** EMA(fast) - EMA(slow), from row slow - 1 on. */
  readonly line: Float64Array;
  /** EMA(signal) of the line, from row slow + signal - 2 on. */
  readonly signal: Float64Array;
  /** line - signal. */
  readonly histogram: Float64Array;
}

/** Moving average convergence/divergence (Appel 1979). */
export function macd(values: Float64Array, fast: number, slow: number, signal: number, seed: Seed): Macd {
  const rows = values.length;
  const quick = ema(values, fast, seed);
  const steady = ema(values, slow, seed);
  const line = columnFrom(rows, slow - 1, (row) => at(quick, row) - at(steady, row));
  const average = ema(line, signal, seed, slow - 1);
  return {
    line,
    signal: average,
    histogram: columnFrom(rows, slow + signal - 2, (row) => at(line, row) - at(average, row)),
  };
}

export interface Bands {
  readonly upper: Float64Array;
  /** The simple mean. */
  readonly middle: Float64Array;
  readonly lower: Float64Array;
}

/** Bollinger bands (Bollinger 2001): the mean of the last `period` values, and so many deviations above and below it. */
export function bollinger(values: Float64Array, period: number, width: number, divisor: Deviation): Bands {
  const { mean, deviation } = rollingMoments(values, period, divisor);
  const rows = values.length;
  return {
    upper: columnFrom(rows, period - 1, (row) => at(mean, row) + width * at(deviation, row)),
    middle: mean,
    lower: columnFrom(rows, period - 1, (row) => at(mean, row) - width * at(deviation, row)),
  };
}

export interface Stochastic {
  /** 0 to 100, from row period + slowing - 2 on. */
  readonly k: Float64Array;
  /** Mean of the last `signal` values of k, from row period + slowing + signal - 3 on. */
  readonly d: Float64Array;
}

/**
 * Stochastic oscillator (Lane): where the close lies between the lowest low and the highest high of the last `period`
 * rows, in percent; k is its mean over `slowing` rows (1: the fast oscillator). NaN where the window has no range, which is
 * 0 / 0, and in the means over such a row.
 */
export function stochastic(
  prices: { readonly high: Float64Array; readonly low: Float64Array; readonly close: Float64Array },
  period: number,
  slowing: number,
  signal: number,
): Stochastic {
  const highest = rollingExtreme(prices.high, period, 'highest');
  const lowest = rollingExtreme(prices.low, period, 'lowest');
  const raw = columnFrom(
    prices.close.length,
    period - 1,
    (row) => (100 * (at(prices.close, row) - at(lowest, row))) / (at(highest, row) - at(lowest, row)),
  );
  const k = slowing === 1 ? raw : rollingMean(raw, slowing, period - 1);
  return { k, d: rollingMean(k, signal, period + slowing - 2) };
}
