import { meanInterval } from '../../../src/reasoning/statistics/interval.js';
import { Moments } from '../../../src/reasoning/statistics/moments.js';
import type { Estimate } from './results.js';

/** 0 for none. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * How much less the first values are than the second, as a share: 1 - sum / sum, of pairs that are independent of each other.
 * The interval is Student's over the jackknife's pseudo-values.
 */
export function reductionEstimate(own: readonly number[], other: readonly number[]): Estimate {
  const n = own.length;
  const [ownSum, otherSum] = [n * meanOf(own), n * meanOf(other)];
  const whole = 1 - ownSum / otherSum;
  const pseudo = own.map((value, i) => {
    const without = 1 - (ownSum - value) / (otherSum - (other[i] ?? 0));
    return n * whole - (n - 1) * without;
  });
  const { low, high } = meanInterval(Moments.of(pseudo)) ?? { low: -Infinity, high: Infinity };
  return { mean: whole, low, high };
}

/**
 * The mean of several series over the same days, `lags` of which depend on each other. Its variance is that of the days'
 * means over time, with their autocovariances, whose weights fall to zero (Newey & West 1987), and that between the series.
 */
export function meanOfSeries(series: readonly (readonly number[])[], lags: number): Estimate {
  const days = series[0]?.length ?? 0;
  const values = Array.from({ length: days }, (_, day) => meanOf(series.map((one) => one[day] ?? 0)));
  const between = Moments.of(series.map(meanOf));
  const mean = meanOf(values);
  const covariance = (lag: number) => {
    let sum = 0;
    for (let i = lag; i < days; i++) sum += ((values[i] ?? 0) - mean) * ((values[i - lag] ?? 0) - mean);
    return sum / days;
  };
  let variance = covariance(0);
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * covariance(lag);
  const error = Math.sqrt(Math.max(0, variance) / days + between.variance / series.length);
  return { mean, low: mean - 1.96 * error, high: mean + 1.96 * error };
}
