import { finiteNumber, flag, integer, numberList, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { METRICS, type Metric, type MetricOptions } from './options.js';

/** Points in all lists of one input together. */
export const MAX_POINTS = 10_000_000;
/** Matches asked for. */
export const MAX_K = 10_000;
/** Absolute value of a point: the squares of differences of greater ones, summed over MAX_POINTS, could overflow. */
export const MAX_MAGNITUDE = 1e150;
/** Points looked ahead; any horizon past the end of the series has no outcome anyway. */
const MAX_HORIZON = MAX_POINTS;

const FIELDS = [
  'current',
  'historical',
  'outcomes',
  'series',
  'exclusion',
  'metric',
  'k',
  'window',
  'normalize',
  'cost',
  'epsilon',
  'delta',
  'symbols',
  'horizon',
  'similarityThreshold',
] as const;

interface Common extends MetricOptions {
  /** The pattern to find, at least one point. */
  readonly current: Float64Array;
  /** Most matches to return. */
  readonly k: number;
  /** z-normalise `current` and each candidate first. */
  readonly normalize: boolean;
  /** Points after a match that its outcome looks at; 0 for no forecast. */
  readonly horizon: number;
  /** Matches less similar than this are left out, 0 to 1. */
  readonly similarityThreshold: number;
}

/** Search among given windows. */
export interface WindowsInput extends Common {
  readonly historical: readonly Float64Array[];
  /** What followed each window, if that is known. */
  readonly outcomes?: Float64Array;
}

/** Search at every offset of a long series. */
export interface SeriesInput extends Common {
  readonly series: Float64Array;
  /** Least distance between the offsets of two matches. */
  readonly exclusion: number;
}

/** Input of a `pattern-match` task in wire form: number lists as Float64Array, defaults filled in. */
export type PatternMatchInput = WindowsInput | SeriesInput;

/**
 * Checks an input from JSON or from the wire and fills the defaults in. A field that is null counts as not given.
 * Idempotent: its result passes unchanged.
 *
 * @throws TaskInputError at the first fault, with the path of the field or element.
 */
export function parsePatternMatchInput(value: unknown): PatternMatchInput {
  const fields = objectWith(value, '', FIELDS);
  const budget = new PointBudget();
  const current = budget.numbers(fields['current'] ?? undefined, 'current');
  const historical = fields['historical'] ?? undefined;
  const series = fields['series'] ?? undefined;
  if (historical !== undefined && series !== undefined) {
    throw new TaskInputError('series', 'cannot be given beside historical; give one of them');
  }
  if (series !== undefined) {
    refuse(fields, 'outcomes', 'needs historical; in a series what follows a match is read from the series');
    return parseSeries(fields, current, budget.numbers(series, 'series'));
  }
  if (historical === undefined) {
    throw new TaskInputError(
      'historical',
      'is missing; give historical (a list of windows) or series (one long list)',
    );
  }
  refuse(fields, 'exclusion', 'needs series; given windows have no offsets to keep apart');
  return parseWindows(fields, current, parseHistorical(historical, budget), budget);
}

type Fields = Readonly<Record<string, unknown>>;

function parseSeries(fields: Fields, current: Float64Array, series: Float64Array): SeriesInput {
  if (series.length < current.length) {
    throw new TaskInputError(
      'series',
      `has ${series.length} points, fewer than the ${current.length} of current; give a longer series`,
    );
  }
  const candidates = series.length - current.length + 1;
  const exclusion = fields['exclusion'] ?? Math.ceil(current.length / 2);
  return {
    ...parseCommon(fields, current, series.length, candidates),
    series,
    exclusion: integer(exclusion, 'exclusion', 0, MAX_POINTS),
  };
}

function parseWindows(
  fields: Fields,
  current: Float64Array,
  historical: readonly Float64Array[],
  budget: PointBudget,
): WindowsInput {
  const longest = historical.reduce((length, window) => Math.max(length, window.length), current.length);
  const common = parseCommon(fields, current, longest, historical.length);
  historical.forEach((window, index) => checkPair(common, window, `historical[${index}]`));
  const given = fields['outcomes'] ?? undefined;
  if (given === undefined) return { ...common, historical };
  const outcomes = budget.numbers(given, 'outcomes');
  if (outcomes.length !== historical.length) {
    throw new TaskInputError(
      'outcomes',
      `has ${outcomes.length} elements for ${historical.length} windows; give one for each window of historical`,
    );
  }
  return { ...common, historical, outcomes };
}

function parseHistorical(value: unknown, budget: PointBudget): Float64Array[] {
  if (!Array.isArray(value))
    throw new TaskInputError('historical', 'must be a list of windows, each a list of numbers');
  if (value.length === 0) throw new TaskInputError('historical', 'is empty; give at least one window');
  // Every window has a point, so more windows than points are refused before they are looked at.
  if (value.length > MAX_POINTS) throw tooManyPoints('historical');
  return Array.from(value, (window: unknown, index) => budget.numbers(window, `historical[${index}]`));
}

function parseCommon(fields: Fields, current: Float64Array, longest: number, candidates: number): Common {
  const metric = oneOf(fields['metric'] ?? 'dtw', 'metric', METRICS);
  const common: Common = {
    current,
    metric,
    k: parseK(fields['k'], candidates),
    window: radius(fields['window'], 'window', longest),
    normalize: flag(fields['normalize'] ?? false, 'normalize'),
    cost: oneOf(fields['cost'] ?? 'squared', 'cost', ['squared', 'absolute']),
    epsilon: finiteNumber(fields['epsilon'] ?? defaultEpsilon(metric), 'epsilon', 0, MAX_MAGNITUDE),
    delta: radius(fields['delta'], 'delta', longest),
    symbols: oneOf(fields['symbols'] ?? 'values', 'symbols', ['values', 'directions']),
    horizon: integer(fields['horizon'] ?? 5, 'horizon', 0, MAX_HORIZON),
    similarityThreshold: finiteNumber(fields['similarityThreshold'] ?? 0, 'similarityThreshold', 0, 1),
  };
  checkPair(common, current, 'current');
  return common;
}

/** LCS asks for equal symbols unless told otherwise; LCSS is about being near enough. */
function defaultEpsilon(metric: Metric): number {
  return metric === 'lcs' ? 0 : 0.5;
}

function parseK(value: unknown, candidates: number): number {
  if (value === undefined || value === null) return Math.min(5, candidates);
  const k = integer(value, 'k', 1, MAX_K);
  if (k > candidates) {
    throw new TaskInputError(
      'k',
      `is ${k}, but there ${candidates === 1 ? 'is 1 candidate' : `are ${candidates} candidates`}`,
    );
  }
  return k;
}

function radius(value: unknown, path: string, longest: number): number | null {
  if (value === undefined || value === null) return null;
  const points = integer(value, path, 0, MAX_POINTS);
  if (points > longest) {
    throw new TaskInputError(
      path,
      `is ${points}, larger than the longest series (${longest} points); use null for no limit`,
    );
  }
  return points;
}

/** What must hold of `current` and one window together. */
function checkPair({ metric, window, symbols, current }: Common, other: Float64Array, path: string): void {
  const difference = Math.abs(current.length - other.length);
  if (metric === 'dtw' && window !== null && difference > window) {
    throw new TaskInputError(
      'window',
      `is ${window}, too small for ${path}: its ${other.length} points and the ${current.length} of current differ by ` +
        `${difference}, so no alignment exists; use at least ${difference}, or null for no limit`,
    );
  }
  if (metric === 'lcs' && symbols === 'directions' && other.length < 2) {
    throw new TaskInputError(
      path,
      'has 1 point and so no direction; give at least 2 points, or symbols: values',
    );
  }
}

function refuse(fields: Fields, name: string, problem: string): void {
  if (fields[name] !== undefined && fields[name] !== null) throw new TaskInputError(name, problem);
}

function tooManyPoints(path: string): TaskInputError {
  return new TaskInputError(
    path,
    `brings the input over ${MAX_POINTS} points, the most that is accepted; split the task`,
  );
}

/** Counts the points of all lists, before each is converted. */
class PointBudget {
  #left = MAX_POINTS;

  numbers(value: unknown, path: string): Float64Array {
    if (hasLength(value) && value.length > this.#left) throw tooManyPoints(path);
    const numbers = numberList(value, path, { maxLength: this.#left, maxMagnitude: MAX_MAGNITUDE });
    this.#left -= numbers.length;
    return numbers;
  }
}

function hasLength(value: unknown): value is { readonly length: number } {
  return Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array;
}
