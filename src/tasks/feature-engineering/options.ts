/** Names and options of the features, apart from their kernels: to check an input takes no kernel. */

/** Columns of numbers that an input may have, beside its times. */
export const SOURCES = ['open', 'high', 'low', 'close', 'volume'] as const;
export type Source = (typeof SOURCES)[number];

/** Divisor of a deviation: `population` n, `sample` n - 1. */
export const DEVIATIONS = ['population', 'sample'] as const;
export type Deviation = (typeof DEVIATIONS)[number];

export const RETURN_KINDS = ['simple-return', 'log-return'] as const;
export type ReturnKind = (typeof RETURN_KINDS)[number];

/** What a rolling statistic is taken of: the values themselves, or their changes from one row to the next. */
export const OF = ['level', ...RETURN_KINDS] as const;
export type Of = (typeof OF)[number];

/** How an exponential average begins: with the mean of its first `period` values, or with the first value itself. */
export const SEEDS = ['sma', 'first'] as const;
export type Seed = (typeof SEEDS)[number];

/** The first row has no close before it: its true range is its high - low, or there is none. */
export const FIRST_RANGES = ['high-low', 'none'] as const;
export type FirstRange = (typeof FIRST_RANGES)[number];

export const CALENDAR_PARTS = [
  'day-of-week',
  'day-of-month',
  'day-of-year',
  'month',
  'quarter',
  'hour',
  'turn-of-month',
] as const;
export type CalendarPart = (typeof CALENDAR_PARTS)[number];

/** `number`: one column of whole numbers; `cyclic`: sine and cosine, so that the last value is next to the first. */
export const CALENDAR_ENCODINGS = ['number', 'cyclic'] as const;
export type CalendarEncoding = (typeof CALENDAR_ENCODINGS)[number];

/** Whether `cyclic` makes two columns of a part; a flag stays one. */
export function isCycle(part: CalendarPart): boolean {
  return part !== 'turn-of-month';
}
