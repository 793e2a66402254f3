import type { Outcome } from './experience.js';

/** What the outcomes of a kind of task mean. */
export interface OutcomeScale {
  /** A value this low or lower is the worst there is. */
  readonly worst: number;
  /** A value this high or higher is the best. */
  readonly best: number;
  /** Above this an outcome counts as success, unless it is said otherwise. */
  readonly successAbove: number;
}

/** That of the skill of forecasts: -1 to 1, better than nothing above 0. */
export const SIGNED: OutcomeScale = { worst: -1, best: 1, successAbove: 0 };

/** Throws RangeError when it is no scale. */
export function checkScale(kind: string, { worst, best, successAbove }: OutcomeScale): void {
  if (![worst, best, successAbove].every(Number.isFinite) || worst >= best) {
    throw new RangeError(`scale of ${kind}: worst (${worst}) must be less than best (${best}), all finite`);
  }
}

/**
 * How good an outcome was, 0 (worst) to 1 (best). Without a value a success is 1; a result that never came is 0, whatever
 * else is said of it.
 */
export function gradeOf({ value, latencyMs, success }: Outcome, { worst, best }: OutcomeScale): number {
  if (latencyMs === null) return 0;
  if (value === null) return success ? 1 : 0;
  return Math.min(1, Math.max(0, (value - worst) / (best - worst)));
}
