/** A mean and its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export const POLICIES = ['learned', 'learned-ucb', 'least-loaded', 'round-robin', 'oracle'] as const;
export type PolicyName = (typeof POLICIES)[number];

/** Means over the swarms. */
export interface PolicyResult {
  /** Share of tasks with the right answer. */
  readonly outcome: number;
  /** From submit to result, waiting included; mean over the swarms of each swarm's p95. */
  readonly p95Ms: number;
  /** What a task is worth less than under the oracle, mean over all tasks. */
  readonly regret: number;
}

export interface RoutingResult {
  readonly swarms: number;
  readonly tasks: number;
  readonly policies: Readonly<Record<PolicyName, PolicyResult>>;
  /** 1 - regret of learned / regret of the other, over all swarms. */
  readonly reduction: { readonly leastLoaded: Estimate; readonly roundRobin: Estimate };
  /** Time of one choice among the six. */
  readonly choiceMicroseconds: number;
}

/** Errors of forecasts of five-day returns, in percentage points. */
export interface ForecastErrors {
  readonly meanAbsolute: number;
  readonly rootMeanSquare: number;
  /** Share of forecasts with the right sign. */
  readonly direction: number;
}

/** Means over the walks, which differ in the order of their search. */
export interface AdaptedResult extends ForecastErrors {
  /**
   * Mean absolute error with adaptation less that without; below zero is better. The interval covers both the years
   * (Newey-West) and the order of the search.
   */
  readonly difference: Estimate;
  /** The same of each walk. */
  readonly differences: readonly number[];
  /** Changes in all walks. */
  readonly changesTried: number;
  readonly changesKept: number;
}

export interface AdaptationResult {
  readonly from: string;
  readonly to: string;
  readonly forecasts: number;
  readonly walks: number;
  readonly fixed: ForecastErrors;
  /** What expecting no change would have got. */
  readonly noChange: ForecastErrors;
  /** A change that shows nothing is undone. */
  readonly cautious: AdaptedResult;
  /** A change that shows nothing is kept if its mean is better. */
  readonly bold: AdaptedResult;
}

/** What one run measured; a section that was left out is missing. */
export interface Results {
  readonly seed: number;
  readonly routing?: RoutingResult;
  readonly adaptation?: AdaptationResult;
}
