import { RELATIVE_NOISE } from '../../numeric/noise.js';
import { at } from '../at.js';
import { clampToUnit } from './matrix.js';
import { MIN_POINTS } from './table.js';

/** Whether values of this mean and sum of squared deviations are one value, but for rounding. */
export function isConstant(mean: number, squares: number, count: number): boolean {
  return Math.sqrt(squares / count) <= RELATIVE_NOISE * Math.abs(mean);
}

/**
 * The first `count` values of `source` as `target[start ..]`, with mean 0 and sum of squares 1: the dot product of two
 * such is Pearson's coefficient. Two passes over differences to the first value: no cancellation, whatever the level.
 *
 * @returns false, and zeros, for fewer than 3 values or a constant.
 */
export function standardize(source: Float64Array, count: number, target: Float64Array, start = 0): boolean {
  const first = count > 0 ? at(source, 0) : 0;
  let sum = 0;
  for (let t = 0; t < count; t++) sum += at(source, t) - first;
  const shift = sum / count;
  let squares = 0;
  for (let t = 0; t < count; t++) {
    const deviation = at(source, t) - first - shift;
    squares += deviation * deviation;
    target[start + t] = deviation;
  }
  if (count < MIN_POINTS || isConstant(first + shift, squares, count)) {
    target.fill(0, start, start + count);
    return false;
  }
  const norm = Math.sqrt(squares);
  for (let t = 0; t < count; t++) target[start + t] = at(target, start + t) / norm;
  return true;
}

/**
 * Pearson's coefficient of the first `count` values of each, by the definition: sum of products of deviations over the
 * root of the product of their sums of squares. NaN for fewer than 3 values and when either is constant.
 */
export function pearsonOf(x: Float64Array, y: Float64Array, count: number): number {
  if (count < MIN_POINTS) return NaN;
  const firstX = at(x, 0);
  const firstY = at(y, 0);
  let sumX = 0;
  let sumY = 0;
  for (let t = 0; t < count; t++) {
    sumX += at(x, t) - firstX;
    sumY += at(y, t) - firstY;
  }
  const shiftX = sumX / count;
  const shiftY = sumY / count;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let t = 0; t < count; t++) {
    const dx = at(x, t) - firstX - shiftX;
    const dy = at(y, t) - firstY - shiftY;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  if (isConstant(firstX + shiftX, xx, count) || isConstant(firstY + shiftY, yy, count)) return NaN;
  return clampToUnit(xy / Math.sqrt(xx) / Math.sqrt(yy));
}

/** Beyond these sizes, squares of values or of their differences could overflow or vanish. */
const SAFE = { least: 1e-100, most: 1e100 } as const;

/**
 * The row, or, when its values are so large or small that squares of them are not numbers, a copy scaled by a power of
 * two, which changes no digit and no correlation.
 */
export function safelyScaled(row: Float64Array): Float64Array {
  let largest = 0;
  for (const value of row) {
    const size = Math.abs(value);
    if (size > largest) largest = size;
  }
  if (largest === 0 || (largest >= SAFE.least && largest <= SAFE.most)) return row;
  // In two steps: the whole power of two may not be a double.
  const exponent = -Math.floor(Math.log2(largest));
  const half = 2 ** Math.trunc(exponent / 2);
  const rest = 2 ** (exponent - Math.trunc(exponent / 2));
  return row.map((value) => value * half * rest);
}
