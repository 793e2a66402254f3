import { RELATIVE_NOISE } from '../../numeric/noise.js';
import { at } from '../at.js';

/**
 * z-normalisation: writes (x - mean) / deviation of `source[start .. start + length)` to the front of `target`, so
 * that level and scale do not count, only shape (Rakthanmanon et al. 2012, section 3.1). The deviation is the
 * population's (divided by n). A constant stretch, where it would be 0/0, becomes all zeros.
 *
 * Two passes over differences to the first value: no cancellation, however far from zero the level is.
 * `target` may be `source` when `start` is 0.
 */
export function zNormalize(source: Float64Array, start: number, length: number, target: Float64Array): void {
  const first = at(source, start);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += at(source, start + i) - first;
  const mean = sum / length;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const difference = at(source, start + i) - first - mean;
    squares += difference * difference;
  }
  const deviation = Math.sqrt(squares / length);
  if (deviation <= RELATIVE_NOISE * Math.abs(first)) {
    target.fill(0, 0, length);
    return;
  }
  for (let i = 0; i < length; i++) target[i] = (at(source, start + i) - first - mean) / deviation;
}

/** The z-normalised copy of a series. */
export function zNormalized(series: Float64Array): Float64Array {
  const result = new Float64Array(series.length);
  zNormalize(series, 0, series.length, result);
  return result;
}
