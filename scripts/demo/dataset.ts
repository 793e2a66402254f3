import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';

/** Rows of a CSV file of the vega-datasets package. @throws Error when it lacks one of the columns */
export async function readDataset<const Columns extends readonly string[]>(
  name: string,
  columns: Columns,
): Promise<Readonly<Record<Columns[number], string>>[]> {
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const text = await readFile(join(dirname(main), '..', 'data', name), 'utf8');
  const rows: Readonly<Record<Columns[number], string>>[] = parse(text, { columns: true });
  const missing = columns.find((column) => !Object.hasOwn(rows[0] ?? {}, column));
  if (missing !== undefined) throw new Error(`${name} has no column '${missing}'`);
  return rows;
}
