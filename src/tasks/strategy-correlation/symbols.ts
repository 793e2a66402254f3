import { at } from '../at.js';
import { int32At } from './int32.js';
import type { LcsOptions } from './options.js';
import { rankingOf } from './ranks.js';

/** Stands for a missing point. */
export const NO_SYMBOL = -1;

export function symbolCount({ symbols, quantiles }: LcsOptions): number {
  return symbols === 'threshold' ? 3 : quantiles;
}

/**
 * A row as symbols from 0, one a point, NO_SYMBOL where the value is missing.
 *
 * - `threshold`: 0 down (less than -threshold), 1 flat, 2 up (more than threshold).
 * - `quantiles` q: floor(q (R - 1/2) / n), where R is the average rank among the row's n values: equal values have equal
 *   symbols, and without ties the parts differ by one value at most.
 */
export function symbolsOf(row: Float64Array, options: LcsOptions): Int32Array {
  const symbols = new Int32Array(row.length).fill(NO_SYMBOL);
  if (options.symbols === 'threshold') {
    const { threshold } = options;
    for (let point = 0; point < row.length; point++) {
      const value = at(row, point);
      if (!Number.isNaN(value)) symbols[point] = value > threshold ? 2 : value < -threshold ? 0 : 1;
    }
    return symbols;
  }
  const { order, first, last } = rankingOf(row);
  for (const point of order) {
    // R - 1/2, doubled so that it is whole.
    const doubled = int32At(first, point) + int32At(last, point) + 1;
    symbols[point] = Math.floor((options.quantiles * doubled) / (2 * order.length));
  }
  return symbols;
}
