/** IEEE 754 binary16, as unsigned 16-bit patterns. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The nearest binary16, ties to even. What is too large becomes infinity. */
export function toFloat16(value: number): number {
  single[0] = value;
  const pattern = bits[0] ?? 0;
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (magnitude >= 0x38800000) {
    // normal: 13 bits of the fraction go; a carry may run into the exponent, up to infinity, which is right
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // subnormal: a multiple of 2^-24
  return sign | roundHalfToEven(Math.abs(single[0]) * 2 ** 24);
}

export function fromFloat16(pattern: number): number {
  const sign = (pattern & 0x8000) === 0 ? 1 : -1;
  const exponent = (pattern >>> 10) & 0x1f;
  const fraction = pattern & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
