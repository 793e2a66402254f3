/** Names and options, apart from what computes them: to check an input takes no kernel. */

export const METHODS = ['pearson', 'spearman', 'kendall', 'lcs'] as const;
export type Method = (typeof METHODS)[number];

/** What is correlated: the values as given, or the changes of prices from point to point. */
export const TRANSFORMS = ['none', 'returns', 'log-returns'] as const;
export type Transform = (typeof TRANSFORMS)[number];

/** What a missing point costs: itself in the pairs of its strategy, its point in time in all, or the whole task. */
export const MISSING = ['pairwise', 'listwise', 'fail'] as const;
export type Missing = (typeof MISSING)[number];
/** A strategy whose values are all equal: refused, or kept with coefficients that do not exist. */
export const CONSTANT = ['fail', 'keep'] as const;
export type Constant = (typeof CONSTANT)[number];

export const SYMBOLS = ['threshold', 'quantiles'] as const;

/** How `lcs` makes a string of symbols of a series, and how it tests the similarity. */
export interface LcsOptions {
  /** `threshold`: down, flat, up; `quantiles`: which of the equal parts of the series' own values. */
  readonly symbols: (typeof SYMBOLS)[number];
  /** threshold: a value of at most this size is flat. */
  readonly threshold: number;
  /** quantiles: number of parts. */
  readonly quantiles: number;
  /** Random permutations for each p-value; 0 for no p-values. */
  readonly permutations: number;
  /** Of the permutations: the same seed gives the same p-values. */
  readonly seed: number;
}

export const DISTANCES = ['correlation', 'absolute'] as const;
export const LINKAGES = ['average', 'complete', 'single'] as const;

export interface ClusterOptions {
  /** Whose coefficients. */
  readonly method: Method;
  /** `correlation`: sqrt(2 (1 - r)); `absolute`: 1 - |r|. */
  readonly distance: (typeof DISTANCES)[number];
  readonly linkage: (typeof LINKAGES)[number];
  /** Number of clusters; null when `threshold` decides. */
  readonly k: number | null;
  /** Clusters at most this far apart are merged; null when `k` decides. */
  readonly threshold: number | null;
}

export const MEASURES = ['absolute', 'signed'] as const;

export interface SubsetOptions {
  /** Strategies to choose. */
  readonly k: number;
  /** Whose coefficients. */
  readonly method: Method;
  /** What is least in the mean over the pairs chosen: `absolute` |r|, `signed` r. */
  readonly measure: (typeof MEASURES)[number];
}
