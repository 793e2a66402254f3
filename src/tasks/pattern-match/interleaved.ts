import { at } from '../at.js';
import { zNormalize } from './normalize.js';
import { dimensionsOf, lengthOf, type Points } from './points.js';
import type { Candidates } from './search.js';

export interface Interleaving {
  readonly dimensions: number;
  /** z-normalise each dimension of each stretch by itself. */
  readonly normalize: boolean;
  /** What each dimension is multiplied with afterwards; undefined for 1. */
  readonly scale: Float64Array | undefined;
}

/** A whole series with the dimensions of each point side by side. */
export function interleaved(points: Points, interleaving: Interleaving): Float64Array {
  return new Interleaver(interleaving, lengthOf(points)).stretch(points, 0, lengthOf(points));
}

/** Every stretch of `length` points of a series. */
export function interleavedStretchesOf(
  series: Points,
  length: number,
  interleaving: Interleaving,
): Candidates {
  const interleaver = new Interleaver(interleaving, length);
  return {
    count: Math.max(0, lengthOf(series) - length + 1),
    longest: length,
    at: (offset) => interleaver.stretch(series, offset, length),
  };
}

/** Given windows, of any lengths. */
export function interleavedWindowsOf(windows: readonly Points[], interleaving: Interleaving): Candidates {
  const longest = windows.reduce((length, window) => Math.max(length, lengthOf(window)), 0);
  const interleaver = new Interleaver(interleaving, longest);
  return {
    count: windows.length,
    longest,
    at: (index) => {
      const window = windows[index];
      if (window === undefined) throw new RangeError(`no window ${index}; there are ${windows.length}`);
      return interleaver.stretch(window, 0, lengthOf(window));
    },
  };
}

class Interleaver {
  readonly #interleaving: Interleaving;
  readonly #target: Float64Array;
  readonly #one: Float64Array;

  constructor(interleaving: Interleaving, longest: number) {
    this.#interleaving = interleaving;
    this.#target = new Float64Array(longest * interleaving.dimensions);
    this.#one = new Float64Array(longest);
  }

  /** What it returns is valid until the next call. */
  stretch(points: Points, start: number, length: number): Float64Array {
    const { dimensions, normalize, scale } = this.#interleaving;
    const target = this.#target;
    const one = this.#one;
    dimensionsOf(points).forEach((dimension, d) => {
      const factor = scale === undefined ? 1 : at(scale, d);
      if (normalize) {
        zNormalize(dimension, start, length, one);
        for (let i = 0; i < length; i++) target[i * dimensions + d] = at(one, i) * factor;
      } else {
        for (let i = 0; i < length; i++) target[i * dimensions + d] = at(dimension, start + i) * factor;
      }
    });
    return target.length === length * dimensions ? target : target.subarray(0, length * dimensions);
  }
}
