import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';

/** Daily closes, oldest first. */
export interface Prices {
  readonly dates: readonly string[];
  readonly closes: Float64Array;
}

/** S&P 500, 2000 to 2020, from the vega-datasets package. */
export async function readPrices(): Promise<Prices> {
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const file = join(dirname(main), '..', 'data', 'sp500-2000.csv');
  const rows: { date: string; close: string }[] = parse(await readFile(file, 'utf8'), { columns: true });
  return {
    dates: rows.map(({ date }) => date),
    closes: Float64Array.from(rows, ({ close }) => Number(close)),
  };
}
