import { RELATIVE_NOISE } from '../../numeric/noise.js';
import { at } from '../at.js';
import { columnFrom } from './column.js';
import type { Deviation, Of, ReturnKind } from './options.js';
import { rollingMoments } from './rolling.js';

/**
 * Change over `period` rows, from row `period` on: x / x' - 1 (simple) or ln(x / x') (log), where x' is `period` rows
 * before x. 0.01 is a rise of 1 %. The values must be positive.
 */
export function returns(values: Float64Array, period: number, kind: ReturnKind): Float64Array {
  return kind === 'simple-return'
    ? columnFrom(values.length, period, (row) => at(values, row) / at(values, row - period) - 1)
    : columnFrom(values.length, period, (row) => Math.log(at(values, row) / at(values, row - period)));
}

/** What a rolling statistic looks at, and the first row where it is known. */
export function seriesOf(
  values: Float64Array,
  of: Of,
): { readonly series: Float64Array; readonly first: number } {
  return of === 'level' ? { series: values, first: 0 } : { series: returns(values, 1, of), first: 1 };
}

/**
 * Deviation of the last `period` returns, from row `period` on; times √periodsPerYear when that is given (Hull, Options,
 * Futures, and Other Derivatives, section 15.4).
 */
export function volatility(
  values: Float64Array,
  period: number,
  of: ReturnKind,
  divisor: Deviation,
  periodsPerYear: number | null,
): Float64Array {
  const { deviation } = rollingMoments(returns(values, 1, of), period, divisor, 1);
  if (periodsPerYear === null) return deviation;
  const scale = Math.sqrt(periodsPerYear);
  return deviation.map((value) => value * scale);
}

/**
 * (x - mean) / deviation of the last `period` values, x among them. NaN where they are all equal, which is 0 / 0, or differ
 * by rounding alone.
 */
export function zScore(values: Float64Array, period: number, of: Of, divisor: Deviation): Float64Array {
  const { series, first } = seriesOf(values, of);
  const { mean, deviation } = rollingMoments(series, period, divisor, first);
  return columnFrom(values.length, first + period - 1, (row) => {
    const spread = at(deviation, row);
    const center = at(mean, row);
    return spread <= RELATIVE_NOISE * Math.abs(center) ? NaN : (at(series, row) - center) / spread;
  });
}

export interface Drawdown {
  /** x / peak - 1: 0 at a new peak, -0.2 when 20 % under it. */
  readonly current: Float64Array;
  /** The lowest of `current` so far. */
  readonly worst: Float64Array;
}

/** How far the values are under their highest so far. They must be positive. */
export function drawdown(values: Float64Array): Drawdown {
  let peak = 0;
  const current = columnFrom(values.length, 0, (row) => {
    peak = Math.max(peak, at(values, row));
    return at(values, row) / peak - 1;
  });
  let least = 0;
  const worst = columnFrom(values.length, 0, (row) => (least = Math.min(least, at(current, row))));
  return { current, worst };
}
