import { RELATIVE_NOISE } from '../../numeric/noise.js';
import { normalized } from '../unit-vector.js';

/** Numbers in the vector of a pattern. */
export const SHAPE_DIMENSIONS = 64;

/**
 * The shape of a series as a vector of SHAPE_DIMENSIONS numbers and length 1. Level, scale and number of points do not
 * count: the series is brought to SHAPE_DIMENSIONS points, its mean is taken off, and it is scaled. So the cosine of two
 * of them is Pearson's correlation of the two shapes.
 *
 * A longer series is averaged piecewise (PAA: Keogh et al. 2001), a shorter one is interpolated linearly.
 *
 * @returns null for a series without a shape: fewer than 2 points, or constant.
 */
export function shapeOf(series: ArrayLike<number>): Float32Array | null {
  if (series.length < 2) return null;
  const points = series.length < SHAPE_DIMENSIONS ? stretched(series) : averaged(series);
  const first = points[0] ?? 0;
  let sum = 0;
  let largest = 0;
  for (const point of points) {
    sum += point - first;
    largest = Math.max(largest, Math.abs(point - first));
  }
  if (!(largest > RELATIVE_NOISE * Math.abs(first)) || !Number.isFinite(largest)) return null;
  const mean = sum / points.length;
  // scaled before it becomes float32, which ends at 1e38
  return normalized(Float32Array.from(points, (point) => (point - first - mean) / largest));
}

/** Linear interpolation at evenly spaced places from the first point to the last. */
function stretched(series: ArrayLike<number>): Float64Array {
  const step = (series.length - 1) / (SHAPE_DIMENSIONS - 1);
  return Float64Array.from({ length: SHAPE_DIMENSIONS }, (_, index) => {
    const place = index * step;
    const before = Math.min(series.length - 2, Math.floor(place));
    const share = place - before;
    return (series[before] ?? 0) * (1 - share) + (series[before + 1] ?? 0) * share;
  });
}

/** Means of pieces of equal length; a point on the border of two counts in each by its share. */
function averaged(series: ArrayLike<number>): Float64Array {
  const length = series.length / SHAPE_DIMENSIONS;
  return Float64Array.from({ length: SHAPE_DIMENSIONS }, (_, index) => {
    const start = index * length;
    const end = start + length;
    let sum = 0;
    for (let i = Math.floor(start); i < Math.min(series.length, end); i++) {
      sum += (series[i] ?? 0) * (Math.min(i + 1, end) - Math.max(i, start));
    }
    return sum / length;
  });
}
