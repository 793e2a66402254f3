import { searchDtw } from './dtw-subsequence.js';
import { forecast, outcomeAfter } from './forecast.js';
import {
  defaultExclusion,
  type PatternMatchInput,
  type PatternStreamInput,
  type SeriesInput,
  type WindowsInput,
} from './input.js';
import {
  interleaved,
  type Interleaving,
  interleavedStretchesOf,
  interleavedWindowsOf,
} from './interleaved.js';
import { sizeOf } from './dtw.js';
import { type Comparator, comparatorFor } from './metrics.js';
import { loadMidstreamer, MidstreamerComparator, type MidstreamerDtw } from './midstreamer.js';
import { MultiDtwComparator } from './multi-dtw.js';
import { zNormalized } from './normalize.js';
import type { Kernel, MetricOptions } from './options.js';
import { dimensionsOf, lengthOf, type Points } from './points.js';
import { type Candidates, search, stretchesOf, windowsOf } from './search.js';
import type { Choice, Found } from './selection.js';
import { WorkMeter } from './work-meter.js';

interface MatchCommon {
  /** 0 or more, in the unit of the metric. */
  readonly distance: number;
  /** 0 to 1. */
  readonly similarity: number;
  /** What followed: relative change over the horizon (series), or the outcome given for the window; null when not known. */
  readonly outcome: number | null;
}

/** A match among given windows. */
export interface WindowMatch extends MatchCommon {
  /** Of the window in `historical`, from 0. */
  readonly index: number;
}

/** A match in a series. */
export interface SeriesMatch extends MatchCommon {
  /** Index in `series` of the match's first point. */
  readonly offset: number;
}

/** What a search found: plain numbers, strings and null, so that it is the same in JSON. */
export interface PatternMatches {
  /** Metric and mode, such as `dtw-subsequence` or `lcss-windows`. */
  readonly patternType: string;
  /** Best first. */
  readonly matches: readonly (WindowMatch | SeriesMatch)[];
  /** 0 to 1. */
  readonly confidence: number;
  /** In the unit of the outcomes; null when none is known. */
  readonly expectedOutcome: number | null;
}

/** What was found for each query of a stream. */
export interface PatternStreamMatches {
  /** As in PatternMatches; the same for every query. */
  readonly patternType: string;
  /** One for each element of `windows`, in its order. */
  readonly results: readonly Omit<PatternMatches, 'patternType'>[];
}

/**
 * Finds what `input.current` resembles, and what followed. Pure, but for `pause`: it is called every few milliseconds
 * with the fraction done, and may throw to give up.
 */
export function match(input: PatternMatchInput, pause?: (fraction: number) => void): PatternMatches {
  const found = matchOne(input, new WorkMeter(pause), kernelOf(input));
  return { patternType: patternType(input), ...found };
}

/** The same for each query of a stream, one after the other. */
export function matchStream(
  input: PatternStreamInput,
  pause?: (fraction: number) => void,
): PatternStreamMatches {
  const meter = new WorkMeter(pause);
  const kernel = kernelOf(input);
  const { windows, ...history } = input;
  const share = 1 / windows.length;
  const results = windows.map((current, index) => {
    meter.part(index * share, share);
    const query: PatternMatchInput =
      'series' in history
        ? { ...history, current, exclusion: history.exclusion ?? defaultExclusion(current) }
        : { ...history, current };
    return matchOne(query, meter, kernel);
  });
  return { patternType: patternType(input), results };
}

function matchOne(
  input: PatternMatchInput,
  meter: WorkMeter,
  kernel: MidstreamerDtw | null,
): Omit<PatternMatches, 'patternType'> {
  const found = 'series' in input ? matchSeries(input, meter, kernel) : matchWindows(input, meter, kernel);
  const matches = found.filter(({ similarity }) => similarity >= input.similarityThreshold);
  return { matches, ...forecast(matches) };
}

function patternType(input: PatternMatchInput | PatternStreamInput): string {
  return `${input.metric}-${'series' in input ? 'subsequence' : 'windows'}`;
}

function kernelOf({ kernel }: { readonly kernel: Kernel }): MidstreamerDtw | null {
  return kernel === 'midstreamer' ? loadMidstreamer() : null;
}

function matchSeries(input: SeriesInput, meter: WorkMeter, kernel: MidstreamerDtw | null): SeriesMatch[] {
  const { current, series, exclusion, horizon } = input;
  const points = lengthOf(current);
  const { found, comparator } = searchSeries(input, choiceOf(input, exclusion), meter, kernel);
  // What followed is read from the first dimension.
  const level = dimensionsOf(series)[0] ?? new Float64Array(0);
  return found.map(({ position, distance }) => ({
    offset: position,
    distance,
    similarity: comparator.similarity(distance, points),
    outcome: outcomeAfter(level, position + points - 1, horizon),
  }));
}

function searchSeries(
  input: SeriesInput,
  choice: Choice,
  meter: WorkMeter,
  kernel: MidstreamerDtw | null,
): { found: Found[]; comparator: Comparator } {
  const { current, series } = input;
  const points = lengthOf(current);
  if (!(current instanceof Float64Array && series instanceof Float64Array)) {
    const interleaving = interleavingOf(input, current);
    const candidates = interleavedStretchesOf(series, points, interleaving);
    const comparator = multiComparator(input, interleaving, points, meter);
    return { found: search(candidates, comparator, choice, meter), comparator };
  }
  const query = input.normalize ? zNormalized(current) : current;
  const comparator = plainComparator(query, input, points, meter, kernel);
  const found =
    input.metric === 'dtw' && kernel === null
      ? searchDtw({ ...input, ...choice, query, series }, meter)
      : search(stretchesOf(series, points, input.normalize), comparator, choice, meter);
  return { found, comparator };
}

function matchWindows(input: WindowsInput, meter: WorkMeter, kernel: MidstreamerDtw | null): WindowMatch[] {
  const { current, historical, outcomes, normalize } = input;
  const plain = historical.filter((window) => window instanceof Float64Array);
  let candidates: Candidates;
  let comparator: Comparator;
  if (current instanceof Float64Array && plain.length === historical.length) {
    candidates = windowsOf(plain, normalize);
    const query = normalize ? zNormalized(current) : current;
    comparator = plainComparator(query, input, candidates.longest, meter, kernel);
  } else {
    const interleaving = interleavingOf(input, current);
    candidates = interleavedWindowsOf(historical, interleaving);
    comparator = multiComparator(input, interleaving, candidates.longest, meter);
  }
  return search(candidates, comparator, choiceOf(input, 0), meter).map(({ position, distance }) => ({
    index: position,
    distance,
    similarity: comparator.similarity(distance, lengthOf(historical[position] ?? [])),
    outcome: outcomes?.[position] ?? null,
  }));
}

function choiceOf({ current, k, normalize, cost }: PatternMatchInput, exclusion: number): Choice {
  return { k, exclusion, scale: normalize ? sizeOf(lengthOf(current), cost) : 0 };
}

function plainComparator(
  query: Float64Array,
  options: MetricOptions,
  longest: number,
  meter: WorkMeter,
  kernel: MidstreamerDtw | null,
): Comparator {
  return kernel === null
    ? comparatorFor(query, options, longest, meter)
    : new MidstreamerComparator(query, kernel, meter);
}

function multiComparator(
  { current, cost, window }: PatternMatchInput,
  interleaving: Interleaving,
  longest: number,
  meter: WorkMeter,
): Comparator {
  const { dimensions } = interleaving;
  const query = interleaved(current, interleaving);
  return new MultiDtwComparator(query, { dimensions, cost, window }, longest, meter);
}

/** A weight w of a dimension is a factor of its costs: so is √w of its squared values, and w of its plain ones. */
function interleavingOf({ normalize, weights, cost }: PatternMatchInput, current: Points): Interleaving {
  return {
    dimensions: dimensionsOf(current).length,
    normalize,
    scale: cost === 'squared' ? weights?.map(Math.sqrt) : weights,
  };
}
