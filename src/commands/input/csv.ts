import type { CsvError } from 'csv-parse/sync';
import { UsageError } from '../exit.js';
import { quote } from '../one-line.js';
import { type ByteStream, readText, sourceName } from './source.js';

/** Input of `pattern-match` as a subsequence search. */
export interface CsvPattern {
  /** All rows before the last `window` ones, so that the pattern cannot find itself. */
  readonly series: number[];
  /** The last `window` rows. */
  readonly current: number[];
}

export interface CsvPatternOptions {
  readonly column: string;
  /** Rows in the pattern, at least 1. */
  readonly window: number;
  /** Read for `-`; default `process.stdin`. */
  readonly stdin?: ByteStream;
}

/**
 * Reads one column of numbers from a CSV file (RFC 4180, with a header; rows from the oldest to the newest) and splits
 * it into a pattern and the history to search. Blank lines are skipped.
 *
 * @throws UsageError that names the file, and the line of a cell that is not a finite decimal number
 */
export async function readCsvPattern(path: string, options: CsvPatternOptions): Promise<CsvPattern> {
  const numbers = await readColumn(path, options);
  const { window } = options;
  if (window >= numbers.length) {
    const name = sourceName(path);
    throw new UsageError(
      `--window: ${window} rows leave nothing to search: ${name} has ${numbers.length} rows, and those before the last ${window} are the history`,
    );
  }
  return { series: numbers.slice(0, -window), current: numbers.slice(-window) };
}

/**
 * The last `window` rows of one column.
 * @throws UsageError as `readCsvPattern`
 */
export async function readCsvTail(path: string, options: CsvPatternOptions): Promise<number[]> {
  const numbers = await readColumn(path, options);
  const { window } = options;
  if (window <= numbers.length) return numbers.slice(-window);
  const name = sourceName(path);
  throw new UsageError(`--window: ${window} rows are wanted, but ${name} has ${numbers.length}`);
}

async function readColumn(path: string, { column, stdin }: CsvPatternOptions): Promise<number[]> {
  const name = sourceName(path);
  const [header, ...rows] = await parseRows(path, await readText('--csv', path, stdin));
  if (header === undefined) throw new UsageError(`--csv: ${name}: is empty, a header and rows are wanted`);
  const index = columnIndex(name, header.cells, column);
  return rows.map(({ cells, line }) => readNumber(`--csv: ${name}:${line}: ${column}`, cells[index] ?? ''));
}

interface Row {
  readonly cells: readonly string[];
  /** Line on which it ends, from 1. */
  readonly line: number;
}

async function parseRows(path: string, text: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync');
  const rows: Row[] = [];
  try {
    parse(text, {
      bom: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (record, { lines }) => {
        // A quoted cell may hold line breaks: the line is the one on which the row ends.
        rows.push({ cells: record, line: lines });
        return null;
      },
    });
  } catch (error) {
    throw new UsageError(`--csv: ${sourceName(path)}: ${csvProblem(error)}`, { cause: error });
  }
  return rows;
}

function columnIndex(name: string, header: readonly string[], column: string): number {
  const index = header.indexOf(column);
  if (index === -1) {
    throw new UsageError(
      `--column: ${name} has no column ${quote(column)}; it has ${header.map(quote).join(', ')}`,
    );
  }
  if (header.includes(column, index + 1))
    throw new UsageError(`--column: ${name} has more than one column ${quote(column)}`);
  return index;
}

function readNumber(place: string, cell: string): number {
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(cell) ? Number(cell) : NaN;
  if (Number.isFinite(value)) return value;
  throw new UsageError(
    cell === '' ? `${place}: is empty, a number is wanted` : `${place}: ${quote(cell)} is not a number`,
  );
}

function csvProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'is not CSV';
  const { lines, code } = error as Partial<CsvError> & { lines?: unknown };
  const place = typeof lines === 'number' ? ` at line ${lines}` : '';
  switch (code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
    case 'CSV_RECORD_INCONSISTENT_COLUMNS':
      return `is not CSV${place}: the row has more or fewer cells than the header`;
    case 'CSV_QUOTE_NOT_CLOSED':
      return `is not CSV${place}: a quote is not closed`;
    default:
      return `is not CSV${place}: ${error.message}`;
  }
}
