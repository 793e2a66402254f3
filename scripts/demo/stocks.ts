import { readDataset } from './dataset.js';

/** Monthly prices of several stocks over the same months. */
export interface Stocks {
  readonly symbols: readonly string[];
  /** As `Mar 1 2010`, oldest first. */
  readonly months: readonly string[];
  /** One list for each symbol; null where it was not traded. */
  readonly prices: readonly (readonly (number | null)[])[];
}

/** Five technology companies, January 2000 to March 2010. */
export async function readStocks(): Promise<Stocks> {
  const rows = await readDataset('stocks.csv', ['symbol', 'date', 'price']);
  const symbols = [...new Set(rows.map(({ symbol }) => symbol))];
  const bySymbol = new Map(symbols.map((symbol) => [symbol, new Map<string, number>()]));
  for (const { symbol, date, price } of rows) bySymbol.get(symbol)?.set(date, Number(price));
  const months = [...new Set(rows.map(({ date }) => date))].sort((a, b) => Date.parse(a) - Date.parse(b));
  const prices = symbols.map((symbol) => months.map((month) => bySymbol.get(symbol)?.get(month) ?? null));
  return { symbols, months, prices };
}
