import { at } from '../at.js';
import { columnFrom } from './column.js';
import type { CalendarEncoding, CalendarPart } from './options.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Parts of ascending times, given in milliseconds since 1970-01-01T00:00Z, in UTC. `turn-of-month` is a flag and stays
 * one column in either encoding.
 *
 * @returns the columns of each part in turn: one, or sine and cosine.
 */
export function calendar(
  times: Float64Array,
  parts: readonly CalendarPart[],
  encoding: CalendarEncoding,
): Float64Array[] {
  return parts.flatMap((part) => {
    const { of, cycle } = PARTS[part];
    if (encoding === 'number' || cycle === undefined) return [columnOf(times, of)];
    const angle = (date: Date) => {
      const { least, length } = cycle(date);
      return (2 * Math.PI * (of(date) - least)) / length;
    };
    return [
      columnOf(times, (date) => Math.sin(angle(date))),
      columnOf(times, (date) => Math.cos(angle(date))),
    ];
  });
}

/** The column of something that stays the same within an hour, and so is taken once for each hour that occurs. */
function columnOf(times: Float64Array, of: (date: Date) => number): Float64Array {
  const date = new Date(0);
  let hour = NaN;
  let value = NaN;
  return columnFrom(times.length, 0, (row) => {
    const time = at(times, row);
    const now = Math.floor(time / HOUR);
    if (now !== hour) {
      hour = now;
      date.setTime(time);
      value = of(date);
    }
    return value;
  });
}

interface Part {
  readonly of: (date: Date) => number;
  /** The part's least value, and after how many it comes again. */
  readonly cycle?: (date: Date) => { readonly least: number; readonly length: number };
}

const PARTS: Readonly<Record<CalendarPart, Part>> = {
  /** ISO 8601: Monday 1 to Sunday 7. */
  'day-of-week': { of: (date) => date.getUTCDay() || 7, cycle: () => ({ least: 1, length: 7 }) },
  'day-of-month': {
    of: (date) => date.getUTCDate(),
    cycle: (date) => ({ least: 1, length: daysInMonth(date) }),
  },
  'day-of-year': {
    of: (date) => (startOfDay(date) - Date.UTC(date.getUTCFullYear(), 0)) / DAY + 1,
    cycle: (date) => ({
      least: 1,
      length: (Date.UTC(date.getUTCFullYear() + 1, 0) - Date.UTC(date.getUTCFullYear(), 0)) / DAY,
    }),
  },
  month: { of: (date) => date.getUTCMonth() + 1, cycle: () => ({ least: 1, length: 12 }) },
  quarter: { of: (date) => Math.floor(date.getUTCMonth() / 3) + 1, cycle: () => ({ least: 1, length: 4 }) },
  hour: { of: (date) => date.getUTCHours(), cycle: () => ({ least: 0, length: 24 }) },
  'turn-of-month': { of: (date) => (isTurnOfMonth(date) ? 1 : 0) },
};

/**
 * The last and the first three weekdays of a month, where returns are known to differ (Lakonishok & Smidt 1988). Weekdays
 * (Monday to Friday) stand for trading days: which are holidays is not known, and to look at the rows to come
 * would be to look ahead. A weekend belongs to it when no more than three weekdays of its month are over, or
 * at most one is left.
 */
function isTurnOfMonth(date: Date): boolean {
  const day = date.getUTCDate();
  // Of the 1st, 0 for Sunday.
  const firstWeekday = (((date.getUTCDay() - day + 1) % 7) + 7) % 7;
  if (weekdays(firstWeekday, day) <= 3) return true;
  return weekdays(firstWeekday, daysInMonth(date)) - weekdays(firstWeekday, day - 1) <= 1;
}

/** Mondays to Fridays among the first `days` days of a month whose first day is the given day of the week. */
function weekdays(firstWeekday: number, days: number): number {
  const whole = Math.floor(days / 7);
  let count = 5 * whole;
  for (let day = 7 * whole; day < days; day++) {
    const weekday = (firstWeekday + day) % 7;
    if (weekday !== 0 && weekday !== 6) count += 1;
  }
  return count;
}

function startOfDay(date: Date): number {
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}
