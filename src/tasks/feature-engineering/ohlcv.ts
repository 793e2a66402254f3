import { numberList, objectWith } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { at } from '../at.js';
import { MAX_ROWS } from './features.js';
import { carryForward, type Missing, splitGaps } from './gaps.js';
import { type Source, SOURCES } from './options.js';
import { parseTimes } from './times.js';

/** Largest absolute value: squares of returns of greater ones, and their sums, could overflow. */
export const MAX_MAGNITUDE = 1e50;
/** Least number that counts as positive, for the same reason. */
const LEAST_POSITIVE = 1 / MAX_MAGNITUDE;

/** Columns of equal length, oldest row first. */
export type Columns = { readonly [column in Source]?: Float64Array } & {
  /** Milliseconds since 1970-01-01T00:00Z, ascending. */
  readonly time?: Float64Array;
};

export interface ColumnRules {
  readonly missing: Missing;
  /** Refuse rows whose high is under the low, or whose open or close is outside of both. */
  readonly checkCandles: boolean;
}

/**
 * Checks the columns of an input: equal lengths, finite numbers, ascending times, volumes of 0 or more, possible candles.
 *
 * @throws TaskInputError at the first fault, such as `ohlcv.high[17]`.
 */
export function parseColumns(value: unknown, rules: ColumnRules): { columns: Columns; rows: number } {
  const fields = objectWith(value, 'ohlcv', [...SOURCES, 'time']);
  const lengths: [name: string, length: number][] = [];
  const columns: Partial<Record<Source, Float64Array>> = {};
  const gaps: Partial<Record<Source, Uint8Array>> = {};
  for (const source of SOURCES) {
    const given = fields[source] ?? undefined;
    if (given === undefined) continue;
    const path = `ohlcv.${source}`;
    const split = rules.missing === 'carry' ? splitGaps(given, MAX_ROWS) : { values: given };
    columns[source] = numberList(split.values, path, { maxLength: MAX_ROWS, maxMagnitude: MAX_MAGNITUDE });
    if (split.gaps !== undefined) gaps[source] = split.gaps;
    lengths.push([source, columns[source].length]);
  }
  const time = fields['time'] ?? undefined;
  const times = time === undefined ? undefined : parseTimes(time, 'ohlcv.time', MAX_ROWS);
  if (times !== undefined) lengths.push(['time', times.length]);
  const rows = commonLength(lengths);
  carryForward(columns, gaps, rows);
  checkVolume(columns.volume);
  if (rules.checkCandles) checkCandles(columns, rows);
  return { columns: times === undefined ? columns : { ...columns, time: times }, rows };
}

/** @throws TaskInputError when a value of the column is not positive; `user` says what divides by it. */
export function checkPositive(columns: Columns, source: Source, user: string): void {
  const fault = columns[source]?.findIndex((value) => !(value >= LEAST_POSITIVE)) ?? -1;
  if (fault === -1) return;
  throw new TaskInputError(
    `ohlcv.${source}[${fault}]`,
    `is ${String(columns[source]?.[fault])}; ${user} needs positive numbers`,
  );
}

function commonLength(lengths: readonly [name: string, length: number][]): number {
  const [first] = lengths;
  if (first === undefined) {
    throw new TaskInputError(
      'ohlcv',
      `has no column; give the ones that the features need: ${SOURCES.join(', ')}, time`,
    );
  }
  for (const [name, length] of lengths) {
    if (length === first[1]) continue;
    throw new TaskInputError(
      `ohlcv.${name}`,
      `has ${length} rows, but ohlcv.${first[0]} has ${first[1]}; give columns of equal length`,
    );
  }
  if (first[1] < 2) {
    throw new TaskInputError(`ohlcv.${first[0]}`, 'has 1 row; a series has at least 2');
  }
  return first[1];
}

function checkVolume(volume: Float64Array | undefined): void {
  const fault = volume?.findIndex((value) => value < 0) ?? -1;
  if (fault === -1) return;
  throw new TaskInputError(`ohlcv.volume[${fault}]`, `is ${String(volume?.[fault])}; a volume is 0 or more`);
}

const HINT = 'correct the row, or set checkCandles to false';

function checkCandles({ open, high, low, close }: Columns, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const highest = high === undefined ? Infinity : at(high, row);
    const lowest = low === undefined ? -Infinity : at(low, row);
    if (highest < lowest) {
      throw new TaskInputError(`ohlcv.high[${row}]`, `is ${highest}, under the low of ${lowest}; ${HINT}`);
    }
    checkInside('open', open, row, lowest, highest);
    checkInside('close', close, row, lowest, highest);
  }
}

function checkInside(
  name: 'open' | 'close',
  column: Float64Array | undefined,
  row: number,
  lowest: number,
  highest: number,
): void {
  if (column === undefined) return;
  const price = at(column, row);
  if (price > highest) {
    throw new TaskInputError(`ohlcv.${name}[${row}]`, `is ${price}, over the high of ${highest}; ${HINT}`);
  }
  if (price < lowest) {
    throw new TaskInputError(`ohlcv.${name}[${row}]`, `is ${price}, under the low of ${lowest}; ${HINT}`);
  }
}
