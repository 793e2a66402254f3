import { isRecord } from '../checks.js';
import { finiteNumber, integer } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { MAX_MATCHES } from './input.js';
import type { Setting, Tuning } from '../tuning.js';

/** Largest radius and number of matches that an agent may be told to use. */
const MOST = 10_000;

/** What an agent of `pattern-match` may be told to use where inputs say nothing. */
export const patternMatchTuning: Tuning = {
  parameters: ['window', 'k', 'similarityThreshold'],

  check(parameter, value) {
    switch (parameter) {
      case 'window':
        if (value !== null) integer(value, parameter, 0, MOST);
        return;
      case 'k':
        integer(value, parameter, 1, MOST);
        return;
      case 'similarityThreshold':
        finiteNumber(value, parameter, 0, 1);
        return;
      default:
        throw new TaskInputError(
          parameter,
          `is no parameter of pattern-match; known are ${patternMatchTuning.parameters.join(', ')}`,
        );
    }
  },

  fit(parameter, value, input) {
    // That kernel takes no window.
    if (parameter === 'window' && isRecord(input) && input['kernel'] === 'midstreamer') return null;
    if (typeof value !== 'number') return value;
    const sizes = sizesOf(input);
    if (sizes === null) return value;
    if (parameter === 'k') {
      const queries = Array.isArray(input['windows']) ? input['windows'].length : 1;
      return Math.min(value, sizes.candidates, Math.max(1, Math.floor(MAX_MATCHES / queries)));
    }
    if (parameter !== 'window') return value;
    // a band that no alignment fits in would refuse the task
    return Math.min(Math.max(value, sizes.mostDifferent), sizes.longest);
  },
};

interface Sizes {
  /** Of the longest pattern. */
  readonly points: number;
  readonly candidates: number;
  readonly longest: number;
  /** Largest difference of a candidate's length to the pattern's. */
  readonly mostDifferent: number;
}

/** Null for an input without its lists: its check says what is wrong. */
function sizesOf({ current, windows, series, historical }: Readonly<Record<string, unknown>>): Sizes | null {
  const queries = lengthsOf(Array.isArray(windows) ? windows : [current]);
  if (queries === null) return null;
  const inSeries = lengthOf(series);
  if (inSeries !== null) {
    return {
      points: queries.longest,
      candidates: Math.max(1, inSeries - queries.longest + 1),
      longest: Math.max(queries.longest, inSeries),
      mostDifferent: 0,
    };
  }
  if (!Array.isArray(historical)) return null;
  const candidates = lengthsOf(historical);
  if (candidates === null) return null;
  return {
    points: queries.longest,
    candidates: historical.length,
    longest: Math.max(queries.longest, candidates.longest),
    mostDifferent: Math.max(queries.longest - candidates.shortest, candidates.longest - queries.shortest),
  };
}

/** Null when there is none, or one that is no series. */
function lengthsOf(list: readonly unknown[]): { shortest: number; longest: number } | null {
  let shortest = Infinity;
  let longest = 0;
  for (const item of list) {
    const length = lengthOf(item);
    if (length === null) return null;
    shortest = Math.min(shortest, length);
    longest = Math.max(longest, length);
  }
  return list.length === 0 ? null : { shortest, longest };
}

/** Few and coarse: the metric, and how much is compared. */
export function patternMatchContext(input: unknown): Readonly<Record<string, Setting>> {
  if (!isRecord(input)) return {};
  const { metric } = input;
  const sizes = sizesOf(input);
  return {
    ...(typeof metric === 'string' ? { metric } : {}),
    ...(sizes === null ? {} : { points: sizes.points, candidates: sizes.candidates }),
  };
}

/** The one pattern of an input that looks for one, of one dimension. */
export function patternOf(input: unknown): Float64Array | null {
  return isRecord(input) && input['current'] instanceof Float64Array ? input['current'] : null;
}

/** Points in time, of one dimension or of several by name or as a list. */
function lengthOf(value: unknown): number | null {
  if (isRecord(value)) return listLength(Object.values(value)[0]);
  return Array.isArray(value) ? (listLength(value[0]) ?? value.length) : listLength(value);
}

function listLength(value: unknown): number | null {
  const isList = Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array;
  return isList ? value.length : null;
}
