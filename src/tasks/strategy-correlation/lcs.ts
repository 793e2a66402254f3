import { bitCount, int32At } from './int32.js';

/** Bits of a word: sums of two words and a carry stay in a positive 32-bit integer. */
const WORD = 30;
const ALL_ONES = 2 ** WORD - 1;
/** Words taken at once, held in registers. */
const GROUP = 4;

/** Where each symbol stands in a string: for each group of words and each symbol, GROUP words of bits. */
export interface Positions {
  readonly masks: Int32Array;
  readonly symbols: number;
  readonly length: number;
}

/** @param symbols elements from 0 to `symbolCount` - 1; the first `length` of them count. */
export function positionsOf(symbols: Int32Array, length: number, symbolCount: number): Positions {
  const groups = Math.max(1, Math.ceil(length / (WORD * GROUP)));
  const masks = new Int32Array(groups * symbolCount * GROUP);
  for (let index = 0; index < length; index++) {
    const word = Math.floor(index / WORD);
    const group = Math.floor(word / GROUP);
    const place = (group * symbolCount + int32At(symbols, index)) * GROUP + (word % GROUP);
    masks[place] = int32At(masks, place) | (1 << (index % WORD));
  }
  return { masks, symbols: symbolCount, length };
}

/**
 * Length of the longest common subsequence of two strings, bit-parallel: a row of the table of Wagner & Fischer (1974)
 * is the bit vector V of its steps, and the next row is (V + (V & M)) | (V & ~M), where M marks the places of the
 * next symbol (Crochemore, Iliopoulos, Pinzon & Reid 2001; Hyyrö 2004). 30 cells take a few instructions.
 *
 * Goes through `b` once for each group of words, so that these stay in registers; what they carry over to the next
 * group is kept for each symbol of `b` in `carries`, which must hold `length` elements.
 *
 * @param b symbols from 0 to a.symbols - 1; the first `length` count.
 */
export function lcsLength(a: Positions, b: Int32Array, length: number, carries: Int32Array): number {
  const { masks, symbols } = a;
  const groupSize = symbols * GROUP;
  carries.fill(0, 0, length);
  let common = 0;
  for (let base = 0; base < masks.length; base += groupSize) {
    let v0 = ALL_ONES;
    let v1 = ALL_ONES;
    let v2 = ALL_ONES;
    let v3 = ALL_ONES;
    for (let j = 0; j < length; j++) {
      const place = base + int32At(b, j) * GROUP;
      const m0 = int32At(masks, place);
      const m1 = int32At(masks, place + 1);
      const m2 = int32At(masks, place + 2);
      const m3 = int32At(masks, place + 3);
      const u0 = v0 & m0;
      const s0 = (v0 + u0 + int32At(carries, j)) | 0;
      v0 = (s0 & ALL_ONES) | (v0 ^ u0);
      const u1 = v1 & m1;
      const s1 = (v1 + u1 + (s0 >>> WORD)) | 0;
      v1 = (s1 & ALL_ONES) | (v1 ^ u1);
      const u2 = v2 & m2;
      const s2 = (v2 + u2 + (s1 >>> WORD)) | 0;
      v2 = (s2 & ALL_ONES) | (v2 ^ u2);
      const u3 = v3 & m3;
      const s3 = (v3 + u3 + (s2 >>> WORD)) | 0;
      v3 = (s3 & ALL_ONES) | (v3 ^ u3);
      carries[j] = s3 >>> WORD;
    }
    common += 4 * WORD - bitCount(v0) - bitCount(v1) - bitCount(v2) - bitCount(v3);
  }
  return common;
}

/** Nanoseconds for two strings of such a length. */
export function lcsCost(length: number): number {
  return Math.ceil(length / (WORD * GROUP)) * length * 3.2 + 200;
}
