import type { Moments } from './moments.js';
import { tQuantile, tTwoSided } from './student.js';

export interface Comparison {
  /** Mean of the second sample less that of the first. */
  readonly difference: number;
  /** Two-sided p-value of no difference. */
  readonly pValue: number;
  /** 95 % interval of the difference. */
  readonly low: number;
  readonly high: number;
}

/**
 * Compares two means whose variances may differ (Welch 1947, degrees of freedom after Satterthwaite). Two samples
 * without any variance differ for certain when their means do. Throws RangeError when one has fewer than two values.
 */
export function welch(first: Moments, second: Moments): Comparison {
  if (first.count < 2 || second.count < 2)
    throw new RangeError('welch: each sample needs at least two values');
  const difference = second.mean - first.mean;
  const a = first.variance / first.count;
  const b = second.variance / second.count;
  const error = Math.sqrt(a + b);
  if (error === 0) return { difference, pValue: difference === 0 ? 1 : 0, low: difference, high: difference };
  const freedom = (a + b) ** 2 / (a ** 2 / (first.count - 1) + b ** 2 / (second.count - 1));
  const half = tQuantile(0.95, freedom) * error;
  return {
    difference,
    pValue: tTwoSided(difference / error, freedom),
    low: difference - half,
    high: difference + half,
  };
}
