/** `array[index]` where the index is known to be inside; the counterpart of `at` for Int32Array, and for no other array. */
export function int32At(array: Int32Array, index: number): number {
  return array[index] as number;
}

/** Bits set in a 32-bit integer (Warren, Hacker's Delight, 2nd ed., figure 5-2). */
export function bitCount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
