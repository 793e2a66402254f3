import { describe, numberList } from '../checks.js';
import { TaskInputError } from '../kind.js';

/** Years 1000 to 9999, in milliseconds since 1970: what an ISO date of four digits can say. */
const EARLIEST = Date.UTC(1000, 0);
const LATEST = Date.UTC(10_000, 0) - 1;

/** A date, which is its midnight in UTC, or a date and time with its offset from UTC. */
const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/**
 * The times of the rows: milliseconds since 1970-01-01T00:00Z, or ISO 8601 text, as milliseconds. Each must be later
 * than the one before.
 *
 * @throws TaskInputError at the first fault.
 */
export function parseTimes(value: unknown, path: string, maxLength: number): Float64Array {
  const given = Array.isArray(value) ? fromText(value, path, maxLength) : value;
  const times = numberList(given, path, { maxLength, maxMagnitude: LATEST });
  let before = -Infinity;
  for (const [row, time] of times.entries()) {
    if (time < EARLIEST) {
      throw new TaskInputError(
        `${path}[${row}]`,
        `is ${time}, before the year 1000; give milliseconds since 1970`,
      );
    }
    if (time <= before) {
      const fault = time === before ? 'is the same time as' : 'is earlier than';
      throw new TaskInputError(
        `${path}[${row}]`,
        `${fault} ${path}[${row - 1}]; sort the rows by time, one row for each`,
      );
    }
    before = time;
  }
  return times;
}

/** The list with each text turned into milliseconds; anything else is left to the check of numbers. */
function fromText(list: readonly unknown[], path: string, maxLength: number): readonly unknown[] {
  if (list.length > maxLength || !list.some((element) => typeof element === 'string')) return list;
  return list.map((element, row) =>
    typeof element === 'string' ? millisecondsOf(element, `${path}[${row}]`) : element,
  );
}

function millisecondsOf(text: string, path: string): number {
  const date = ISO_TIME.exec(text)?.[1];
  // A day that its month does not have would roll over into the next month.
  const exists = date !== undefined && new Date(`${date}T00:00Z`).getTime() === dayOf(date);
  const time = exists ? Date.parse(text) : NaN;
  if (!(time >= EARLIEST && time <= LATEST)) {
    throw new TaskInputError(
      path,
      `must be a date such as 2020-03-16, a time such as 2020-03-16T14:30:00Z, or milliseconds since 1970; it is ${describe(text)}`,
    );
  }
  return time;
}

function dayOf(date: string): number {
  const [year = NaN, month = NaN, day = NaN] = date.split('-').map(Number);
  const time = Date.UTC(year, month - 1, day);
  return new Date(time).getUTCDate() === day && new Date(time).getUTCMonth() === month - 1 ? time : NaN;
}
