import { at } from '../at.js';
import type { Work } from './work.js';

/** Rows and columns of a tile: 9 sums and 6 factors fit the 16 registers of x86-64; 2 x 4 and 4 x 4 are no faster. */
const TILE = 3;
/** Points of a block: 500 rows of 4 KiB stay in the second-level cache while each meets every other. */
const BLOCK = 512;
/** Nanoseconds for each product. */
export const COST_PER_PRODUCT = 0.45;

/** Rows of equal length end to end, as many as a whole number of tiles takes; the last may be zeros. */
export interface Panel {
  readonly data: Float64Array;
  readonly points: number;
  readonly paddedRows: number;
}

export function panelFor(rows: number, points: number): Panel {
  const paddedRows = Math.ceil(rows / TILE) * TILE;
  return { data: new Float64Array(paddedRows * points), points, paddedRows };
}

/**
 * Sums of x[t] y[t + lag] of every row x with every row y: element `i * paddedRows + j` belongs to rows i and j. At lag 0
 * they are the same both ways, and given for j >= i alone. (Of tiles on the diagonal the other half is there too; nothing
 * else below it is.)
 */
export function dotProducts({ data, points, paddedRows }: Panel, lag: number, work: Work): Float64Array {
  const sums = new Float64Array(paddedRows * paddedRows);
  const end = points - lag;
  for (let from = 0; from < end; from += BLOCK) {
    const to = Math.min(end, from + BLOCK);
    for (let i = 0; i < paddedRows; i += TILE) {
      const first = lag === 0 ? i : 0;
      for (let j = first; j < paddedRows; j += TILE) {
        addTile(data, points, i, j * points + lag, from, to, sums, i * paddedRows + j, paddedRows);
      }
      work.add((paddedRows - first) * TILE * (to - from) * COST_PER_PRODUCT);
    }
  }
  return sums;
}

function addTile(
  data: Float64Array,
  points: number,
  rowI: number,
  /** Where y[lag] of the first row is. */
  b0: number,
  from: number,
  to: number,
  sums: Float64Array,
  target: number,
  stride: number,
): void {
  const a0 = rowI * points;
  const a1 = a0 + points;
  const a2 = a1 + points;
  const b1 = b0 + points;
  const b2 = b1 + points;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  for (let t = from; t < to; t++) {
    const x0 = at(data, a0 + t);
    const x1 = at(data, a1 + t);
    const x2 = at(data, a2 + t);
    const y0 = at(data, b0 + t);
    const y1 = at(data, b1 + t);
    const y2 = at(data, b2 + t);
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
  }
  addRow(sums, target, s00, s01, s02);
  addRow(sums, target + stride, s10, s11, s12);
  addRow(sums, target + 2 * stride, s20, s21, s22);
}

function addRow(sums: Float64Array, index: number, s0: number, s1: number, s2: number): void {
  sums[index] = at(sums, index) + s0;
  sums[index + 1] = at(sums, index + 1) + s1;
  sums[index + 2] = at(sums, index + 2) + s2;
}
