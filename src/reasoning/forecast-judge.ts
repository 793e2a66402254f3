/** What a forecast was worth, on the scale of its kind, and whether it counts as right. */
export interface ForecastOutcome {
  readonly value: number;
  readonly success: boolean;
}

/** Compares a forecast with what came. Must be pure. */
export type ForecastJudge = (expected: number, actual: number) => ForecastOutcome;

/**
 * Skill against the forecast that nothing changes: (a - e) / (a + e), where a is the size of what came and e that of the
 * forecast's error. 1 is exact, 0 as good as expecting 0, towards -1 the worse it is. Without a unit: a forecast of returns
 * and one of prices' differences compare. Right is better than expecting 0.
 */
export function skill(expected: number, actual: number): ForecastOutcome {
  const size = Math.abs(actual);
  const error = Math.abs(actual - expected);
  // halves, as the sum of the largest doubles is no double any more
  const value = error === 0 ? 1 : error === Infinity ? -1 : (size / 2 - error / 2) / (size / 2 + error / 2);
  return { value, success: value > 0 };
}
