import type { Moments } from './moments.js';
import { tQuantile } from './student.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Standard normal quantile for 95 % on both sides. */
const Z95 = 1.959963984540054;

/**
 * 95 % interval of a proportion (Wilson 1927): holds its level also for few trials and near 0 and 1, where the usual
 * normal interval does not. Within [0, 1]; [0, 1] for no trials.
 */
export function wilson(successes: number, trials: number): Interval {
  if (trials <= 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const square = (Z95 * Z95) / trials;
  const middle = (share + square / 2) / (1 + square);
  const half = (Z95 / (1 + square)) * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials));
  return {
    low: successes === 0 ? 0 : Math.max(0, middle - half),
    high: successes === trials ? 1 : Math.min(1, middle + half),
  };
}

/** 95 % interval of a mean by Student's t; null for fewer than two values. */
export function meanInterval({
  count,
  mean,
  variance,
}: Pick<Moments, 'count' | 'mean' | 'variance'>): Interval | null {
  if (count < 2) return null;
  const half = tQuantile(0.95, count - 1) * Math.sqrt(variance / count);
  return { low: mean - half, high: mean + half };
}
