import { at } from '../at.js';
import type { Comparator } from './metrics.js';
import { zNormalize } from './normalize.js';
import { type Choice, type Found, Selection } from './selection.js';
import type { WorkMeter } from './work-meter.js';

/** Windows to compare with the query, by position from 0. */
export interface Candidates {
  readonly count: number;
  /** Points of the longest one. */
  readonly longest: number;
  /** What it returns is valid until the next call. */
  at(position: number): Float64Array;
}

/** Every stretch of `length` points of a series: the candidate at an offset is `series[offset .. offset + length)`. */
export function stretchesOf(series: Float64Array, length: number, normalize: boolean): Candidates {
  const stretch = new Float64Array(length);
  return {
    count: Math.max(0, series.length - length + 1),
    longest: length,
    at: (offset) => {
      if (normalize) zNormalize(series, offset, length, stretch);
      else for (let i = 0; i < length; i++) stretch[i] = at(series, offset + i);
      return stretch;
    },
  };
}

/** Given windows, of any lengths. */
export function windowsOf(windows: readonly Float64Array[], normalize: boolean): Candidates {
  const longest = windows.reduce((length, window) => Math.max(length, window.length), 0);
  const scratch = new Float64Array(normalize ? longest : 0);
  return {
    count: windows.length,
    longest,
    at: (index) => {
      const window = windows[index];
      if (window === undefined) throw new RangeError(`no window ${index}; there are ${windows.length}`);
      if (!normalize) return window;
      zNormalize(window, 0, window.length, scratch);
      return scratch.subarray(0, window.length);
    },
  };
}

/**
 * The candidates nearest to the comparator's query, best first.
 * The result is that of comparing every candidate in full; the bound only saves work.
 */
export function search(
  candidates: Candidates,
  comparator: Comparator,
  choice: Choice,
  meter: WorkMeter,
): Found[] {
  const selection = new Selection(choice);
  for (let position = 0; position < candidates.count; position++) {
    const candidate = candidates.at(position);
    selection.offer(position, comparator.distance(candidate, selection.bound));
    meter.fraction = position / candidates.count;
    meter.add(candidate.length);
  }
  return selection.best();
}
