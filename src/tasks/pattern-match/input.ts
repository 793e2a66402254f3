import { describe, finiteNumber, flag, integer, isRecord, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { KERNELS, type Kernel, METRICS, type Metric, type MetricOptions } from './options.js';
import { lengthOf, MAX_MAGNITUDE, MAX_POINTS, type Points, PointReader, tooManyPoints } from './points.js';

/** Matches asked for, for each query. */
export const MAX_K = 10_000;
/** Queries of one input. */
export const MAX_WINDOWS = 100_000;
/** Matches of all queries of one input together. */
export const MAX_MATCHES = 1_000_000;
/** Points looked ahead; any horizon past the end of the series has no outcome anyway. */
const MAX_HORIZON = MAX_POINTS;

const FIELDS = [
  'current',
  'windows',
  'historical',
  'outcomes',
  'series',
  'exclusion',
  'metric',
  'k',
  'window',
  'normalize',
  'cost',
  'weights',
  'epsilon',
  'delta',
  'symbols',
  'horizon',
  'similarityThreshold',
  'kernel',
] as const;

interface Options extends MetricOptions {
  /** Most matches to return, for each query. */
  readonly k: number;
  /** z-normalise the query and each candidate first, each dimension by itself. */
  readonly normalize: boolean;
  /** One for each dimension, 0 or more; only with several dimensions. Default 1 each. */
  readonly weights?: Float64Array;
  /** Points after a match that its outcome looks at; 0 for no forecast. */
  readonly horizon: number;
  /** Matches less similar than this are left out, 0 to 1. */
  readonly similarityThreshold: number;
  readonly kernel: Kernel;
}

/** The patterns to find, each at least one point: one, or a stream of them that is answered one by one. */
interface One {
  readonly current: Points;
}
interface Stream {
  readonly windows: readonly Points[];
}

/** Search among given windows. */
interface Windows {
  readonly historical: readonly Points[];
  /** What followed each window, if that is known. */
  readonly outcomes?: Float64Array;
}

/** Search at every offset of a long series. */
interface Series {
  readonly series: Points;
}

export type WindowsInput = Options & Windows & One;
/** `exclusion`: least distance between the offsets of two matches. */
export type SeriesInput = Options & Series & One & { readonly exclusion: number };
/** One query in wire form: number lists as Float64Array, defaults filled in. */
export type PatternMatchInput = WindowsInput | SeriesInput;

/** Many queries of the same history. An `exclusion` that is null is half of each query. */
export type PatternStreamInput = Options &
  Stream &
  (Windows | (Series & { readonly exclusion: number | null }));

/**
 * Checks an input from JSON or from the wire and fills the defaults in. A field that is null counts as not given.
 * Idempotent: its result passes unchanged.
 *
 * @throws TaskInputError at the first fault, with the path of the field or element.
 */
export function parsePatternTask(value: unknown): PatternMatchInput | PatternStreamInput {
  return isRecord(value) && (value['windows'] ?? undefined) !== undefined
    ? parseStream(value)
    : parsePatternMatchInput(value);
}

/** The same for an input of one query, `current`. */
export function parsePatternMatchInput(value: unknown): PatternMatchInput {
  const fields = objectWith(value, '', FIELDS);
  refuse(fields, 'windows', 'cannot be given beside current; give one of them');
  const reader = new PointReader();
  const current = reader.points(fields['current'] ?? undefined, 'current');
  const history = parseHistory(fields, [{ points: current, path: 'current' }], reader);
  if ('historical' in history) return { current, ...history };
  return { current, ...history, exclusion: history.exclusion ?? defaultExclusion(current) };
}

function parseStream(value: unknown): PatternStreamInput {
  const fields = objectWith(value, '', FIELDS);
  refuse(fields, 'current', 'cannot be given beside windows; give one of them');
  const reader = new PointReader();
  const list = fields['windows'];
  const windows = readWindows(list, 'windows', reader, MAX_WINDOWS);
  const queries = windows.map((points, index) => ({ points, path: `windows[${index}]` }));
  const history = parseHistory(fields, queries, reader);
  if (windows.length * history.k > MAX_MATCHES) {
    throw new TaskInputError(
      'k',
      `is ${history.k}, which for ${windows.length} windows makes more than ${MAX_MATCHES} matches; split the task`,
    );
  }
  return { windows, ...history };
}

/** How far apart the matches of a query are unless told otherwise. */
export function defaultExclusion(query: Points): number {
  return Math.ceil(lengthOf(query) / 2);
}

type Fields = Readonly<Record<string, unknown>>;

interface Query {
  readonly points: Points;
  readonly path: string;
}

type History = Options & (Windows | (Series & { readonly exclusion: number | null }));

function parseHistory(fields: Fields, queries: readonly Query[], reader: PointReader): History {
  const historical = fields['historical'] ?? undefined;
  const series = fields['series'] ?? undefined;
  if (historical !== undefined && series !== undefined) {
    throw new TaskInputError('series', 'cannot be given beside historical; give one of them');
  }
  if (series !== undefined) {
    refuse(fields, 'outcomes', 'needs historical; in a series what follows a match is read from the series');
    return parseSeries(fields, queries, reader.points(series, 'series'), reader);
  }
  if (historical === undefined) {
    throw new TaskInputError(
      'historical',
      'is missing; give historical (a list of windows) or series (one long list)',
    );
  }
  refuse(fields, 'exclusion', 'needs series; given windows have no offsets to keep apart');
  return parseWindows(fields, queries, readWindows(historical, 'historical', reader, MAX_POINTS), reader);
}

function parseSeries(
  fields: Fields,
  queries: readonly Query[],
  series: Points,
  reader: PointReader,
): History {
  const points = lengthOf(series);
  const tooLong = queries.find((query) => lengthOf(query.points) > points);
  if (tooLong !== undefined) {
    throw new TaskInputError(
      'series',
      `has ${points} points, fewer than the ${lengthOf(tooLong.points)} of ${tooLong.path}; give a longer series`,
    );
  }
  const longest = queries.reduce((length, query) => Math.max(length, lengthOf(query.points)), 1);
  const exclusion = fields['exclusion'] ?? null;
  const options = parseOptions(fields, queries, points, points - longest + 1, reader);
  if (options.normalize) reader.checkVaries(series, 'series');
  return {
    ...options,
    series,
    exclusion: exclusion === null ? null : integer(exclusion, 'exclusion', 0, MAX_POINTS),
  };
}

function parseWindows(
  fields: Fields,
  queries: readonly Query[],
  historical: readonly Points[],
  reader: PointReader,
): History {
  const lengths = [...queries.map(({ points }) => points), ...historical].map(lengthOf);
  const longest = lengths.reduce((longest, length) => Math.max(longest, length), 0);
  const options = parseOptions(fields, queries, longest, historical.length, reader);
  checkAligned(options, queries, historical);
  historical.forEach((window, index) => checkDirections(options, lengthOf(window), `historical[${index}]`));
  const given = fields['outcomes'] ?? undefined;
  if (given === undefined) return { ...options, historical };
  const outcomes = reader.numbers(given, 'outcomes');
  if (outcomes.length !== historical.length) {
    throw new TaskInputError(
      'outcomes',
      `has ${outcomes.length} elements for ${historical.length} windows; give one for each window of historical`,
    );
  }
  return { ...options, historical, outcomes };
}

function readWindows(value: unknown, path: string, reader: PointReader, most: number): Points[] {
  if (!Array.isArray(value)) {
    throw new TaskInputError(
      path,
      `must be a list of windows, each a list of numbers; it is ${describe(value)}`,
    );
  }
  if (value.length === 0) throw new TaskInputError(path, 'is empty; give at least one window');
  // Every window has a point, so more windows than points are refused before they are looked at.
  if (value.length > MAX_POINTS) throw tooManyPoints(path);
  if (value.length > most) {
    throw new TaskInputError(
      path,
      `has ${value.length} windows; at most ${most} are accepted; split the task`,
    );
  }
  return Array.from(value, (window: unknown, index) => reader.points(window, `${path}[${index}]`));
}

/** @param longest points of the longest series, @param candidates that every query has at least */
function parseOptions(
  fields: Fields,
  queries: readonly Query[],
  longest: number,
  candidates: number,
  reader: PointReader,
): Options {
  const metric = oneOf(fields['metric'] ?? 'dtw', 'metric', METRICS);
  const kernel = oneOf(fields['kernel'] ?? 'builtin', 'kernel', KERNELS);
  const weights = reader.weights(fields['weights']);
  const options: Options = {
    metric,
    k: parseK(fields['k'], candidates),
    window: radius(fields['window'], 'window', longest),
    normalize: flag(fields['normalize'] ?? false, 'normalize'),
    cost: oneOf(fields['cost'] ?? (kernel === 'builtin' ? 'squared' : 'absolute'), 'cost', [
      'squared',
      'absolute',
    ]),
    ...(weights === undefined ? {} : { weights }),
    epsilon: finiteNumber(fields['epsilon'] ?? defaultEpsilon(metric), 'epsilon', 0, MAX_MAGNITUDE),
    delta: radius(fields['delta'], 'delta', longest),
    symbols: oneOf(fields['symbols'] ?? 'values', 'symbols', ['values', 'directions']),
    horizon: integer(fields['horizon'] ?? 5, 'horizon', 0, MAX_HORIZON),
    similarityThreshold: finiteNumber(fields['similarityThreshold'] ?? 0, 'similarityThreshold', 0, 1),
    kernel,
  };
  if (metric !== 'dtw' && reader.dimensions > 1) {
    throw new TaskInputError(
      'metric',
      `is '${metric}', which compares series of 1 dimension; use 'dtw' for these of ${reader.dimensions}`,
    );
  }
  if (kernel === 'midstreamer') checkMidstreamer(options, reader.dimensions);
  for (const { points, path } of queries) {
    checkDirections(options, lengthOf(points), path);
    if (options.normalize) reader.checkVaries(points, path);
  }
  return options;
}

/** Its kernel has no options: absolute differences, any alignment, one dimension. */
function checkMidstreamer({ metric, cost, window }: Options, dimensions: number): void {
  const fault = (path: string, what: string) =>
    new TaskInputError(path, `${what}; kernel 'midstreamer' cannot do that, use 'builtin'`);
  if (metric !== 'dtw') throw fault('metric', `is '${metric}', not 'dtw'`);
  if (cost !== 'absolute') throw fault('cost', `is '${cost}', not 'absolute'`);
  if (window !== null) throw fault('window', `is ${window}, not null`);
  if (dimensions > 1) throw fault('kernel', `gets series of ${dimensions} dimensions, not 1`);
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

/** With DTW and a window, every query must have an alignment with every given window. */
function checkAligned(
  { metric, window }: Options,
  queries: readonly Query[],
  historical: readonly Points[],
): void {
  if (metric !== 'dtw' || window === null) return;
  // By length: queries and windows may be many, their lengths are few.
  const byLength = new Map<number, Query>();
  for (const query of queries) {
    if (!byLength.has(lengthOf(query.points))) byLength.set(lengthOf(query.points), query);
  }
  const seen = new Set<number>();
  historical.forEach((other, index) => {
    const points = lengthOf(other);
    if (seen.has(points)) return;
    seen.add(points);
    for (const [length, { path }] of byLength) {
      const difference = Math.abs(length - points);
      if (difference <= window) continue;
      throw new TaskInputError(
        'window',
        `is ${window}, too small for historical[${index}]: its ${points} points and the ${length} of ${path} differ by ` +
          `${difference}, so no alignment exists; use at least ${difference}, or null for no limit`,
      );
    }
  });
}

function checkDirections({ metric, symbols }: Options, points: number, path: string): void {
  if (metric === 'lcs' && symbols === 'directions' && points < 2) {
    throw new TaskInputError(
      path,
      'has 1 point and so no direction; give at least 2 points, or symbols: values',
    );
  }
}

function refuse(fields: Fields, name: string, problem: string): void {
  if (fields[name] !== undefined && fields[name] !== null) throw new TaskInputError(name, problem);
}
