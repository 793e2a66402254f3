import { coefficients, coefficientsCost, type CoefficientOptions } from './coefficients.js';
import type { Matrix } from './matrix.js';
import type { Method } from './options.js';
import { tableOf } from './table.js';
import type { Work } from './work.js';

export interface Rolling {
  /** Values in each window. */
  readonly window: number;
  /** Values from one window's start to the next one's. */
  readonly step: number;
  /** By window: index in the strategies as given of its last point. */
  readonly ends: Int32Array;
  /** By method, then window: the matrix. */
  readonly matrix: Partial<Record<Method, readonly Matrix[]>>;
}

/** Windows that fit in so many values: the first starts at the first value. */
export function windowCount(points: number, window: number, step: number): number {
  return Math.floor((points - window) / step) + 1;
}

/**
 * The matrices of every window, each computed as if there were nothing else.
 *
 * @param values one row a strategy, NaN where missing
 * @param offset index in the strategies as given of the first value
 */
export function rolling(
  values: readonly Float64Array[],
  offset: number,
  window: number,
  step: number,
  methods: readonly Method[],
  options: CoefficientOptions,
  work: Work,
): Rolling {
  const count = windowCount(values[0]?.length ?? 0, window, step);
  const starts = Array.from({ length: count }, (_, index) => index * step);
  const withoutTests = { ...options, pValues: false };
  const matrices = starts.map((start) => {
    const table = tableOf(values.map((row) => row.subarray(start, start + window)));
    return methods.map((method) => coefficients(method, table, null, withoutTests, work).matrix);
  });
  const matrix = Object.fromEntries(
    methods.map((method, index) => [method, matrices.map((ofWindow) => ofWindow[index] ?? [])]),
  );
  return { window, step, ends: Int32Array.from(starts, (start) => offset + start + window - 1), matrix };
}

/** Nanoseconds; `complete` of the rows have no missing value. */
export function rollingCost(
  rows: number,
  complete: number,
  windows: number,
  window: number,
  methods: readonly Method[],
  options: CoefficientOptions,
): number {
  const withoutTests = { ...options, pValues: false };
  const each = methods.map((method) => coefficientsCost(method, rows, window, complete, withoutTests));
  return windows * each.reduce((sum, cost) => sum + cost, 0);
}
