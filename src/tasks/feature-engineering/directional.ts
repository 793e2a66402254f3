import { at } from '../at.js';
import { columnFrom } from './column.js';
import type { FirstRange } from './options.js';
import { wilder } from './smoothing.js';

export interface Prices {
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

/** Average true range (Wilder 1978), from row period - 1 on, or one row later when the first row has no true range. */
export function atr(prices: Prices, period: number, firstRange: FirstRange): Float64Array {
  const ranges = trueRanges(prices);
  return wilder(ranges, period, firstRange === 'high-low' ? 0 : 1);
}

/** The greatest of high - low, |high - close before| and |low - close before|; in the first row high - low. */
function trueRanges({ high, low, close }: Prices): Float64Array {
  return columnFrom(high.length, 0, (row) => {
    const range = at(high, row) - at(low, row);
    if (row === 0) return range;
    const before = at(close, row - 1);
    return Math.max(range, Math.abs(at(high, row) - before), Math.abs(at(low, row) - before));
  });
}

export interface DirectionalMovement {
  /** 0 to 100, from row 2 period - 1 on. */
  readonly adx: Float64Array;
  /** 0 to 100, from row `period` on; NaN while nothing has moved at all. */
  readonly plus: Float64Array;
  readonly minus: Float64Array;
}

/**
 * Average directional movement index (Wilder 1978). Directional movement and true range count from the second row on,
 * so the first averages are of rows 1 to `period`, and the first adx is the mean of the `period` directional indices
 * from there on. Of a rise of the high and a fall of the low only the greater counts, and neither when they are equal.
 * A row without any direction (+DI and -DI both 0) has the index 0.
 */
export function directionalMovement(prices: Prices, period: number): DirectionalMovement {
  const { high, low } = prices;
  const rows = high.length;
  const up = (row: number) => at(high, row) - at(high, row - 1);
  const down = (row: number) => at(low, row - 1) - at(low, row);
  const range = wilder(trueRanges(prices), period, 1);
  const plus = wilder(
    columnFrom(rows, 1, (row) => (up(row) > down(row) ? Math.max(0, up(row)) : 0)),
    period,
    1,
  );
  const minus = wilder(
    columnFrom(rows, 1, (row) => (down(row) > up(row) ? Math.max(0, down(row)) : 0)),
    period,
    1,
  );
  const index = columnFrom(rows, period, (row) => {
    const sum = at(plus, row) + at(minus, row);
    return sum === 0 ? 0 : (100 * Math.abs(at(plus, row) - at(minus, row))) / sum;
  });
  for (let row = period; row < rows; row++) {
    plus[row] = (100 * at(plus, row)) / at(range, row);
    minus[row] = (100 * at(minus, row)) / at(range, row);
  }
  return { adx: wilder(index, period, period), plus, minus };
}
