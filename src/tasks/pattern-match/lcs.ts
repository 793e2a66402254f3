import { at } from '../at.js';
import { lcssLength } from './lcss.js';

/** What a series is a string of: `values`, each number a symbol; `directions`, each step up, down or flat a symbol. */
export type Symbols = 'values' | 'directions';

/**
 * Longest common subsequence of two strings of symbols (Wagner & Fischer 1974), symbols being numbers: the most
 * symbols that stand in both in the same order, with gaps anywhere.
 *
 * @returns 0 to the length of the shorter string.
 */
export function lcsLength(a: Float64Array, b: Float64Array): number {
  return lcssLength(a, b, { epsilon: 0 });
}

/**
 * A series as a string of its movements: +1 up, -1 down, 0 flat, one symbol fewer than there are points. A step of at
 * most `epsilon` is flat. Writes to the front of `target`, which must hold `series.length - 1` values.
 */
export function directions(series: Float64Array, epsilon: number, target: Float64Array): void {
  for (let i = 1; i < series.length; i++) {
    const step = at(series, i) - at(series, i - 1);
    target[i - 1] = Math.abs(step) <= epsilon ? 0 : Math.sign(step);
  }
}
