import { readDataset } from './dataset.js';

/** Daily candles, oldest first. */
export interface Prices {
  /** YYYY-MM-DD */
  readonly dates: readonly string[];
  readonly opens: Float64Array;
  readonly highs: Float64Array;
  readonly lows: Float64Array;
  readonly closes: Float64Array;
}

/** S&P 500, 2000 to 2020. */
export async function readPrices(): Promise<Prices> {
  const rows = await readDataset('sp500-2000.csv', ['date', 'open', 'high', 'low', 'close']);
  const numbers = (column: 'open' | 'high' | 'low' | 'close') =>
    Float64Array.from(rows, (row) => Number(row[column]));
  return {
    dates: rows.map(({ date }) => date),
    opens: numbers('open'),
    highs: numbers('high'),
    lows: numbers('low'),
    closes: numbers('close'),
  };
}
