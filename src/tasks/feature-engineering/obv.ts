import { OBV } from 'trading-signals';
import { at } from '../at.js';
import { columnFrom } from './column.js';

/**
 * On-balance volume (Granville 1963): the volume is added when the close is above the one before, taken off when it is
 * below. From row 1 on; it counts from 0, and only its changes mean anything.
 */
export function obv(close: Float64Array, volume: Float64Array): Float64Array {
  const balance = new OBV(2);
  return columnFrom(close.length, 0, (row) => {
    const price = at(close, row);
    // The package asks for a whole candle; of it, on-balance volume looks at the close and the volume.
    const candle = { open: price, high: price, low: price, close: price, volume: at(volume, row) };
    return balance.update(candle, false) ?? NaN;
  });
}
