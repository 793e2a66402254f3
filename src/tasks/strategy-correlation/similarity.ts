import { int32At } from './int32.js';
import { lcsCost, lcsLength, positionsOf, type Positions } from './lcs.js';
import { emptyMatrix, forEachPair, type Matrix, setPair } from './matrix.js';
import type { LcsOptions } from './options.js';
import { SeededRandom } from '../../numeric/random.js';
import { NO_SYMBOL, symbolCount, symbolsOf } from './symbols.js';
import { MIN_POINTS, type Table } from './table.js';
import type { Work } from './work.js';

export interface SimilarityResult {
  readonly matrix: Matrix;
  /** Null without permutations. */
  readonly pValues: Matrix | null;
}

/**
 * LCS similarity of every pair: the longest common subsequence of the symbols at their common points, over the number
 * of these points; 0 to 1. NaN for fewer than 3 common points.
 *
 * With permutations, the p-value of a pair is (1 + g) / (1 + permutations), where g is how many random orders of the second
 * string give a similarity at least as great (Phipson & Smyth 2010): one-sided, as similarity has one side.
 */
export function lcsSimilarity(
  table: Table,
  options: LcsOptions,
  withPValues: boolean,
  work: Work,
): SimilarityResult {
  const { rows, points } = table;
  const symbols = symbolCount(options);
  const strings = rows.map((row) => symbolsOf(row, options));
  const positions = strings.map((string, row) =>
    table.complete[row] === true ? positionsOf(string, points, symbols) : null,
  );
  const matrix = emptyMatrix(rows.length);
  const permuted = withPValues && options.permutations > 0;
  const pValues = permuted ? emptyMatrix(rows.length) : null;
  strings.forEach((string, row) => {
    const count = string.reduce((sum, symbol) => sum + (symbol === NO_SYMBOL ? 0 : 1), 0);
    setPair(matrix, row, row, count < MIN_POINTS ? NaN : 1);
    if (pValues !== null) setPair(pValues, row, row, count < MIN_POINTS ? NaN : 0);
  });
  const carries = new Int32Array(points);
  const x = new Int32Array(points);
  const y = new Int32Array(points);
  forEachPair(rows.length, (a, b) => {
    const stringA = strings[a];
    const stringB = strings[b];
    if (stringA === undefined || stringB === undefined) return;
    const count = gatherSymbols(stringA, stringB, x, y);
    work.add(lcsCost(count));
    if (count < MIN_POINTS) return;
    const whole = positions[a] ?? null;
    const first = whole !== null && count === points ? whole : positionsOf(x, count, symbols);
    const length = lcsLength(first, y, count, carries);
    setPair(matrix, a, b, length / count);
    if (pValues === null) return;
    const random = new SeededRandom(pairSeed(options.seed, a, b));
    const p = permutationPValue(first, y, count, length, carries, options.permutations, random, work);
    setPair(pValues, a, b, p);
  });
  return { matrix, pValues };
}

/** What `lcsSimilarity` costs. */
export function similarityCost(rows: number, points: number, permutations: number): number {
  return ((rows * rows) / 2) * (1 + permutations) * lcsCost(points);
}

/** Each pair has random numbers of its own: its p-value rests on no other pair. */
function pairSeed(seed: number, a: number, b: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ Math.imul(a + 1, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
}

function permutationPValue(
  first: Positions,
  string: Int32Array,
  length: number,
  observed: number,
  carries: Int32Array,
  permutations: number,
  random: SeededRandom,
  work: Work,
): number {
  let asGreat = 0;
  for (let k = 0; k < permutations; k++) {
    shuffle(string, length, random);
    if (lcsLength(first, string, length, carries) >= observed) asGreat++;
    work.add(lcsCost(length));
  }
  return (1 + asGreat) / (1 + permutations);
}

/** Fisher and Yates, as Durstenfeld (1964) has it. */
function shuffle(list: Int32Array, length: number, random: SeededRandom): void {
  for (let end = length - 1; end > 0; end--) {
    const chosen = random.integer() % (end + 1);
    const kept = int32At(list, end);
    list[end] = int32At(list, chosen);
    list[chosen] = kept;
  }
}

function gatherSymbols(a: Int32Array, b: Int32Array, x: Int32Array, y: Int32Array): number {
  let count = 0;
  for (let point = 0; point < a.length; point++) {
    const symbolA = int32At(a, point);
    const symbolB = int32At(b, point);
    if (symbolA === NO_SYMBOL || symbolB === NO_SYMBOL) continue;
    x[count] = symbolA;
    y[count] = symbolB;
    count++;
  }
  return count;
}
