import { checkParameters, type ParameterRegistry } from './parameters.js';
import type { TrialOptions } from './trial.js';

export interface AdaptationOptions {
  readonly parameters: ParameterRegistry;
  /** Latest scores that say whether something should change. 2 or more. */
  readonly window: number;
  /** It should when their expected value is less than this … */
  readonly adaptBelow: number;
  /** … with at least this probability. */
  readonly adaptConfidence: number;
  /** Scores gathered before a change, once it is decided on. 2 or more. */
  readonly baseline: number;
  readonly trial: TrialOptions;
  /** What becomes of a change that showed nothing: undone, or kept when its mean is the better one. */
  readonly inDoubt: 'roll-back' | 'keep-better';
  /** Outcomes without a change after all moves failed. */
  readonly rest: number;
  /** How long an agent has to acknowledge, and how often it is asked. */
  readonly acknowledgeMs: number;
  readonly maxSends: number;
  /** Pairs of agent and kind followed at once. */
  readonly maxTracked: number;
}

export const DEFAULT_ADAPTATION: AdaptationOptions = {
  parameters: {},
  window: 20,
  adaptBelow: 0,
  adaptConfidence: 0.8,
  baseline: 30,
  trial: { outcomes: 30, looks: 3, level: 0.1 },
  inDoubt: 'roll-back',
  rest: 200,
  acknowledgeMs: 10_000,
  maxSends: 3,
  maxTracked: 4_096,
};

/** Throws RangeError for options that make no sense. */
export function checkAdaptation({ parameters, window, baseline, trial }: AdaptationOptions): void {
  checkParameters(parameters);
  if (window < 2 || baseline < 2 || trial.outcomes < 2 || trial.looks < 1) {
    throw new RangeError(
      'adaptation: window, baseline and trial.outcomes must be 2 or more, trial.looks 1 or more',
    );
  }
}
