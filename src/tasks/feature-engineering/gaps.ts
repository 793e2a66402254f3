import { TaskInputError } from '../kind.js';
import { at } from '../at.js';
import type { Source } from './options.js';

/** What to do with a missing value (null in a list, NaN in a typed array): refuse it, or carry the row before forward. */
export const MISSING = ['fail', 'carry'] as const;
export type Missing = (typeof MISSING)[number];

const PRICES = ['open', 'high', 'low', 'close'] as const;

/** The values with 0 where one is missing, and where that is; `gaps` is left out when none is. Never changes `given`. */
export function splitGaps(given: unknown, maxLength: number): { values: unknown; gaps?: Uint8Array } {
  if (!(Array.isArray(given) || given instanceof Float64Array || given instanceof Float32Array)) {
    return { values: given };
  }
  const list: ArrayLike<unknown> = given;
  if (list.length > maxLength) return { values: given };
  const gaps = Uint8Array.from(list, (element) => (element === null || Number.isNaN(element) ? 1 : 0));
  if (!gaps.includes(1)) return { values: given };
  return { values: Array.from(list, (element, row) => (gaps[row] === 1 ? 0 : element)), gaps };
}

/**
 * Fills rows without prices, in place: nobody traded, so each price is the close before (or, without a column of closes,
 * the price before), and the volume, if it is missing too, is 0. It looks at earlier rows alone.
 *
 * @throws TaskInputError for what that rule does not cover: the first row, a row with some of its prices, a volume missing
 *   beside prices.
 */
export function carryForward(
  columns: Partial<Record<Source, Float64Array>>,
  gaps: Partial<Record<Source, Uint8Array>>,
  rows: number,
): void {
  if (Object.keys(gaps).length === 0) return;
  const prices = PRICES.filter((price) => columns[price] !== undefined);
  for (let row = 0; row < rows; row++) {
    const missing = prices.filter((price) => gaps[price]?.[row] === 1);
    const [first] = missing;
    if (first !== undefined) {
      if (row === 0)
        throw gap(first, row, 'there is no row before it to carry forward; start with a complete row');
      const given = prices.find((price) => !missing.includes(price));
      if (given !== undefined) {
        throw gap(
          first,
          row,
          `the row has other prices (${given}); complete it, or leave all its prices out`,
        );
      }
      for (const price of prices) carry(columns[price], columns.close ?? columns[price], row);
    }
    // Beside missing prices splitGaps has left a volume of 0, which is what was traded.
    if (gaps.volume?.[row] === 1 && first === undefined) {
      throw gap('volume', row, 'only a row without prices may go without a volume; give it');
    }
  }
}

function carry(target: Float64Array | undefined, from: Float64Array | undefined, row: number): void {
  if (target !== undefined && from !== undefined) target[row] = at(from, row - 1);
}

function gap(source: Source, row: number, problem: string): TaskInputError {
  return new TaskInputError(`ohlcv.${source}[${row}]`, `is missing, and ${problem}`);
}
