import { searchDtw } from './dtw-subsequence.js';
import { forecast, outcomeAfter } from './forecast.js';
import type { PatternMatchInput, SeriesInput, WindowsInput } from './input.js';
import { comparatorFor } from './metrics.js';
import { zNormalized } from './normalize.js';
import { search, stretchesOf, windowsOf } from './search.js';
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

/**
 * Finds what `input.current` resembles, and what followed. Pure, but for `pause`: it is called every few milliseconds
 * with the fraction done, and may throw to give up.
 */
export function match(input: PatternMatchInput, pause?: (fraction: number) => void): PatternMatches {
  const meter = new WorkMeter(pause);
  const found = 'series' in input ? matchSeries(input, meter) : matchWindows(input, meter);
  const matches = found.filter(({ similarity }) => similarity >= input.similarityThreshold);
  return {
    patternType: `${input.metric}-${'series' in input ? 'subsequence' : 'windows'}`,
    matches,
    ...forecast(matches),
  };
}

function matchSeries(input: SeriesInput, meter: WorkMeter): SeriesMatch[] {
  const { current, series, normalize, k, exclusion, horizon } = input;
  const points = current.length;
  const comparator = comparatorFor(query(input), input, points, meter);
  const found =
    input.metric === 'dtw'
      ? searchDtw({ ...input, query: query(input) }, meter)
      : search(stretchesOf(series, points, normalize), comparator, k, exclusion, meter);
  return found.map(({ position, distance }) => ({
    offset: position,
    distance,
    similarity: comparator.similarity(distance, points),
    outcome: outcomeAfter(series, position + points - 1, horizon),
  }));
}

function matchWindows(input: WindowsInput, meter: WorkMeter): WindowMatch[] {
  const { historical, outcomes, normalize, k } = input;
  const candidates = windowsOf(historical, normalize);
  const comparator = comparatorFor(query(input), input, candidates.longest, meter);
  return search(candidates, comparator, k, 0, meter).map(({ position, distance }) => ({
    index: position,
    distance,
    similarity: comparator.similarity(distance, historical[position]?.length ?? 0),
    outcome: outcomes?.[position] ?? null,
  }));
}

function query({ current, normalize }: PatternMatchInput): Float64Array {
  return normalize ? zNormalized(current) : current;
}
