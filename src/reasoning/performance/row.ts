import { meanInterval, wilson } from '../statistics/interval.js';
import type { Moments } from '../statistics/moments.js';
import type { Cell } from './cell.js';

export interface Estimate {
  readonly mean: number;
  /** 95 % interval by Student's t; null for a single value. */
  readonly low: number | null;
  readonly high: number | null;
}

/** One line of the performance table, as plain values. `null` at agent, kind or context: all of them together. */
export interface PerformanceRow {
  readonly agentId: string | null;
  readonly kind: string | null;
  readonly context: string | null;
  /** Results that came. */
  readonly delivered: number;
  /** Attempts without a result. */
  readonly failed: number;
  /** Known outcomes, failures among them. */
  readonly outcomes: number;
  /** Share of known outcomes that were successes, with its 95 % Wilson interval. Null when none is known. */
  readonly successRate: { readonly value: number; readonly low: number; readonly high: number } | null;
  /** On the scale of the kind. */
  readonly outcome: Estimate | null;
  /** Outcomes on the scale 0 to 1. */
  readonly grade: Estimate | null;
  /** As the agents state it. */
  readonly confidence: number | null;
  /** Mean squared difference of confidence and grade: 0 is perfect, 0.25 what a constant 0.5 gets for right and wrong. */
  readonly brier: number | null;
  /** Milliseconds; `recent` is weighted exponentially, quantiles are within 5 %. */
  readonly latency: { readonly recent: number; readonly p50: number; readonly p95: number } | null;
  /** Recent level of the grade less its level of all time, and the standard error of that if nothing has changed. */
  readonly trend: { readonly value: number; readonly standardError: number } | null;
  /** Recent mean of the verdicts' scores. */
  readonly score: number | null;
}

export function rowOf(
  cell: Cell,
  agentId: string | null,
  kind: string | null,
  context: string | null,
): PerformanceRow {
  const { outcomes, successes } = cell;
  const p50 = cell.latency.quantile(0.5);
  const p95 = cell.latency.quantile(0.95);
  return {
    agentId,
    kind,
    context,
    delivered: cell.delivered,
    failed: cell.failed,
    outcomes,
    successRate: outcomes === 0 ? null : { value: successes / outcomes, ...wilson(successes, outcomes) },
    outcome: estimate(cell.value),
    grade: withinUnit(estimate(cell.grade)),
    confidence: cell.confidence.count === 0 ? null : cell.confidence.mean,
    brier: cell.brier.count === 0 ? null : cell.brier.mean,
    latency: p50 === null || p95 === null ? null : { recent: cell.recentLatency.mean, p50, p95 },
    trend: trendOf(cell),
    score: cell.score.effectiveCount === 0 ? null : cell.score.mean,
  };
}

function estimate(moments: Moments): Estimate | null {
  if (moments.count === 0) return null;
  const interval = meanInterval(moments);
  return { mean: moments.mean, low: interval?.low ?? null, high: interval?.high ?? null };
}

/** Student's interval knows nothing of the ends of the scale. */
function withinUnit(grade: Estimate | null): Estimate | null {
  if (grade === null) return null;
  const { mean, low, high } = grade;
  return {
    mean,
    low: low === null ? null : Math.max(0, low),
    high: high === null ? null : Math.min(1, high),
  };
}

/**
 * Both levels are weighted means of the same n values: with weights w that sum to 1, and with 1/n. The variance of their
 * difference is that of a value times the sum of (w - 1/n)², which is the sum of w² less 1/n.
 */
function trendOf({ grade, recentGrade }: Cell): PerformanceRow['trend'] {
  if (grade.count < 2) return null;
  const spread = Math.max(0, recentGrade.concentration - 1 / grade.count);
  return {
    value: recentGrade.mean - grade.mean,
    standardError: Math.sqrt(grade.variance * spread),
  };
}
