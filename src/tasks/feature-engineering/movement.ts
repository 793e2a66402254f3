import { RELATIVE_NOISE } from '../../numeric/noise.js';
import { at } from '../at.js';
import { TaskInputError } from '../kind.js';
import type { Columns } from './ohlcv.js';
import type { ReturnKind, Source } from './options.js';

/** What a feature divides by: where there is none of it in the whole series, the feature has no value in any row. */
export type Movement =
  /** Changes of a column, or of its returns over one row. */
  | { readonly of: 'level' | ReturnKind; readonly source: Source }
  /** The distance of the highest high to the lowest low of so many rows. */
  | { readonly of: 'range'; readonly period: number }
  /** The true range, from the second row on. */
  | { readonly of: 'true-range' };

/** @throws TaskInputError when there is no such movement; `user` says what divides by it. */
export function checkMovement(movement: Movement, columns: Columns, user: string): void {
  const [source, still] = stillness(movement, columns);
  if (still === null) return;
  throw new TaskInputError(
    `ohlcv.${source}`,
    `has zero variance (${still}), so ${user} has no value in any row; leave that feature out`,
  );
}

/** The column to name, and in what way it does not move; null when it does. */
function stillness(movement: Movement, columns: Columns): [Source, string | null] {
  switch (movement.of) {
    case 'level': {
      const values = of(columns, movement.source);
      const still = isFlat(values.length, (row) => at(values, row));
      return [movement.source, still ? `every value is ${at(values, 0)}` : null];
    }
    case 'simple-return':
    case 'log-return': {
      const values = of(columns, movement.source);
      const change = (row: number) => at(values, row + 1) / at(values, row);
      const value =
        movement.of === 'simple-return'
          ? (row: number) => change(row) - 1
          : (row: number) => Math.log(change(row));
      return [movement.source, isFlat(values.length - 1, value) ? 'every return is the same' : null];
    }
    case 'range': {
      const [high, low] = [of(columns, 'high'), of(columns, 'low')];
      const level = at(high, 0);
      const still =
        movement.period === 1
          ? high.every((value, row) => value === at(low, row))
          : high.every((value, row) => value === level && at(low, row) === level);
      return ['high', still ? 'no window of it has a high over its low' : null];
    }
    case 'true-range': {
      const [high, low, close] = [of(columns, 'high'), of(columns, 'low'), of(columns, 'close')];
      const still = high.every(
        (value, row) => row === 0 || (value === at(low, row) && value === at(close, row - 1)),
      );
      return ['high', still ? 'no price differs from the one before' : null];
    }
  }
}

/** Whether no window of these values has a deviation, but for rounding. */
function isFlat(rows: number, value: (row: number) => number): boolean {
  const first = value(0);
  // Half of what counts as flat: so the sample's deviation of two rows is flat as well.
  const noise = (RELATIVE_NOISE / 2) * Math.abs(first);
  for (let row = 1; row < rows; row++) if (Math.abs(value(row) - first) > noise) return false;
  return true;
}

/** A column that the check of the input has found there. */
function of(columns: Columns, source: Source): Float64Array {
  return columns[source] ?? new Float64Array();
}
