import { at } from '../at.js';
import { fromFloat16, toFloat16 } from './float16.js';
import type { Compression } from './options.js';

/**
 * Gradients as bytes, little-endian:
 * `float32`: 4 bytes each. `float16`: a float32 scale (the largest magnitude, or 1), then 2 bytes each, of gradient / scale.
 * `top-k`: k indices (uint32, rising), then k values (float32): those of the largest magnitudes; all others are 0.
 */
export function encodeGradient(gradient: Float64Array, compression: Compression): Uint8Array {
  switch (compression.name) {
    case 'float32': {
      const view = new DataView(new ArrayBuffer(4 * gradient.length));
      for (let i = 0; i < gradient.length; i++) view.setFloat32(4 * i, at(gradient, i), true);
      return new Uint8Array(view.buffer);
    }
    case 'float16': {
      const view = new DataView(new ArrayBuffer(4 + 2 * gradient.length));
      let scale = 0;
      for (let i = 0; i < gradient.length; i++) scale = Math.max(scale, Math.abs(at(gradient, i)));
      scale = Math.fround(scale);
      if (scale === 0) scale = 1;
      view.setFloat32(0, scale, true);
      for (let i = 0; i < gradient.length; i++)
        view.setUint16(4 + 2 * i, toFloat16(at(gradient, i) / scale), true);
      return new Uint8Array(view.buffer);
    }
    case 'top-k': {
      const kept = largest(gradient, keptOf(gradient.length, compression.fraction));
      const view = new DataView(new ArrayBuffer(8 * kept.length));
      for (const [place, index] of kept.entries()) {
        view.setUint32(4 * place, index, true);
        view.setFloat32(4 * (kept.length + place), at(gradient, index), true);
      }
      return new Uint8Array(view.buffer);
    }
  }
}

/** Bytes that are not a gradient of the stated form. */
export class GradientError extends Error {
  override readonly name = 'GradientError';
}

/**
 * The gradient that bytes stand for, `length` numbers, all finite.
 * @throws GradientError when they are not that.
 */
export function decodeGradient(
  bytes: Uint8Array,
  encoding: Compression['name'],
  length: number,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const gradient = new Float64Array(length);
  switch (encoding) {
    case 'float32':
      checkLength(bytes, 4 * length, length, encoding);
      for (let i = 0; i < length; i++) gradient[i] = view.getFloat32(4 * i, true);
      break;
    case 'float16': {
      checkLength(bytes, 4 + 2 * length, length, encoding);
      const scale = view.getFloat32(0, true);
      for (let i = 0; i < length; i++) gradient[i] = scale * fromFloat16(view.getUint16(4 + 2 * i, true));
      break;
    }
    case 'top-k': {
      const count = bytes.byteLength / 8;
      if (!Number.isInteger(count) || count > length) {
        throw new GradientError(
          `top-k takes 8 bytes for each of at most ${length}; it has ${bytes.byteLength}`,
        );
      }
      let previous = -1;
      for (let place = 0; place < count; place++) {
        const index = view.getUint32(4 * place, true);
        if (index <= previous || index >= length) {
          throw new GradientError(`index ${index} of top-k is not above ${previous} and below ${length}`);
        }
        previous = index;
        gradient[index] = view.getFloat32(4 * (count + place), true);
      }
    }
  }
  const bad = gradient.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) throw new GradientError(`number ${bad} is ${String(gradient[bad])}`);
  return gradient;
}

/** Gradients whose remainders are remembered at once; of further ones the longest unused is forgotten. */
const REMEMBERED = 4;

/**
 * Error feedback (Seide et al. 2014, Stich et al., arXiv 1809.07599): what a compression has left out is added to the
 * next gradient of the same training, so that nothing is lost, only late.
 */
export class ErrorFeedback {
  readonly #remainders = new Map<string, Float64Array>();

  /** Compresses a gradient together with what was left out before. Changes `gradient`. */
  compress(training: string, gradient: Float64Array, compression: Compression): Uint8Array {
    if (compression.name !== 'top-k') return encodeGradient(gradient, compression);
    const before = this.#remainders.get(training);
    if (before?.length === gradient.length) {
      for (let i = 0; i < gradient.length; i++) gradient[i] = at(gradient, i) + at(before, i);
    }
    const bytes = encodeGradient(gradient, compression);
    const sent = decodeGradient(bytes, compression.name, gradient.length);
    for (let i = 0; i < gradient.length; i++) gradient[i] = at(gradient, i) - at(sent, i);
    this.#remainders.delete(training);
    this.#remainders.set(training, gradient);
    for (const oldest of this.#remainders.keys()) {
      if (this.#remainders.size <= REMEMBERED) break;
      this.#remainders.delete(oldest);
    }
    return bytes;
  }
}

function checkLength(bytes: Uint8Array, wanted: number, length: number, encoding: string): void {
  if (bytes.byteLength === wanted) return;
  throw new GradientError(
    `${length} numbers as ${encoding} take ${wanted} bytes; it has ${bytes.byteLength}`,
  );
}

function keptOf(length: number, fraction: number): number {
  return Math.min(length, Math.max(1, Math.ceil(length * fraction)));
}

/** Indices of the `count` largest magnitudes, rising; of equal ones the first. */
function largest(gradient: Float64Array, count: number): Uint32Array {
  const magnitudes = gradient.map(Math.abs).sort();
  const threshold = at(magnitudes, magnitudes.length - count);
  const kept = new Uint32Array(count);
  let above = 0;
  for (let i = 0; i < gradient.length; i++) if (Math.abs(at(gradient, i)) > threshold) above++;
  let equal = count - above;
  let place = 0;
  for (let i = 0; i < gradient.length; i++) {
    const magnitude = Math.abs(at(gradient, i));
    if (magnitude > threshold || (magnitude === threshold && equal-- > 0)) kept[place++] = i;
  }
  return kept;
}
