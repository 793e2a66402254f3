import type { DtwCost } from './dtw.js';
import type { Symbols } from './lcs.js';

/** Names and options of the metrics, apart from their kernels: to check an input takes no kernel. */

export const METRICS = ['dtw', 'lcss', 'lcs'] as const;
export type Metric = (typeof METRICS)[number];

/** Who computes DTW: this package, or the `midstreamer` package where it is installed. */
export const KERNELS = ['builtin', 'midstreamer'] as const;
export type Kernel = (typeof KERNELS)[number];

export interface MetricOptions {
  readonly metric: Metric;
  /** dtw */
  readonly cost: DtwCost;
  /** dtw: Sakoe-Chiba radius, or null for none. */
  readonly window: number | null;
  /** lcss, lcs */
  readonly epsilon: number;
  /** lcss, lcs: greatest shift of matching points, or null for any. */
  readonly delta: number | null;
  /** lcs */
  readonly symbols: Symbols;
}
