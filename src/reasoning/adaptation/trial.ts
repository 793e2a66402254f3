import { Moments } from '../statistics/moments.js';
import { type Comparison, welch } from '../statistics/welch.js';

export interface TrialOptions {
  /** Outcomes of a trial before it is looked at, and between one look and the next. */
  readonly outcomes: number;
  /** Looks at most. */
  readonly looks: number;
  /** How often, at most, a change without any effect may pass for one that has some, over all looks together. */
  readonly level: number;
}

export type TrialDecision = 'helped' | 'hurt' | 'in-doubt' | 'undecided';

export interface TrialResult {
  /** `undecided`: more outcomes are needed. `in-doubt`: all looks are over and showed nothing. */
  readonly decision: TrialDecision;
  /** Of the trial's scores with those before it; null before the first look. */
  readonly comparison: Comparison | null;
}

/**
 * Whether scores after a change differ from those before it: Welch's test after every `outcomes` of them, `looks` times at
 * most, each at `level / looks` (Bonferroni), so that looking repeatedly does not find what is not there.
 */
export function judgeTrial(
  baseline: readonly number[],
  trial: readonly number[],
  { outcomes, looks, level }: TrialOptions,
): TrialResult {
  if (trial.length === 0 || trial.length % outcomes !== 0) return { decision: 'undecided', comparison: null };
  const comparison = welch(Moments.of(baseline), Moments.of(trial));
  if (comparison.pValue < level / looks) {
    return { decision: comparison.difference > 0 ? 'helped' : 'hurt', comparison };
  }
  return { decision: trial.length >= outcomes * looks ? 'in-doubt' : 'undecided', comparison };
}
