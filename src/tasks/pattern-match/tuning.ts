import { isRecord } from '../checks.js';
import { finiteNumber, integer } from '../checks.js';
import { TaskInputError } from '../kind.js';
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
    if (typeof value !== 'number') return value;
    const sizes = sizesOf(input);
    if (sizes === null) return value;
    if (parameter === 'k') return Math.min(value, sizes.candidates);
    if (parameter !== 'window') return value;
    // a band that no alignment fits in would refuse the task
    return Math.min(Math.max(value, sizes.mostDifferent), sizes.longest);
  },
};

interface Sizes {
  readonly candidates: number;
  readonly longest: number;
  /** Largest difference of a candidate's length to the pattern's. */
  readonly mostDifferent: number;
}

/** Null for an input without its lists: its check says what is wrong. */
function sizesOf({ current, series, historical }: Readonly<Record<string, unknown>>): Sizes | null {
  const points = lengthOf(current);
  if (points === null) return null;
  const inSeries = lengthOf(series);
  if (inSeries !== null) {
    return {
      candidates: Math.max(1, inSeries - points + 1),
      longest: Math.max(points, inSeries),
      mostDifferent: 0,
    };
  }
  if (!Array.isArray(historical)) return null;
  let longest = points;
  let mostDifferent = 0;
  for (const window of historical) {
    const length = lengthOf(window) ?? points;
    longest = Math.max(longest, length);
    mostDifferent = Math.max(mostDifferent, Math.abs(length - points));
  }
  return { candidates: Math.max(1, historical.length), longest, mostDifferent };
}

/** Few and coarse: the metric, and how much is compared. */
export function patternMatchContext(input: unknown): Readonly<Record<string, Setting>> {
  if (!isRecord(input)) return {};
  const { metric } = input;
  const sizes = sizesOf(input);
  return {
    ...(typeof metric === 'string' ? { metric } : {}),
    ...(sizes === null ? {} : { points: lengthOf(input['current']) ?? 0, candidates: sizes.candidates }),
  };
}

function lengthOf(value: unknown): number | null {
  const isList = Array.isArray(value) || value instanceof Float64Array || value instanceof Float32Array;
  return isList ? value.length : null;
}
