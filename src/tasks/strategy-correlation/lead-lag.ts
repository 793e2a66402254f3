import { at } from '../at.js';
import { COST_PER_PRODUCT, dotProducts, type Panel, panelFor } from './gram.js';
import { cell, clampToUnit, emptyMatrix, type Matrix, setCell, setPair } from './matrix.js';
import { isConstant, pearsonOf, safelyScaled } from './moments.js';
import { gatherCommon, presenceOf, type Table } from './table.js';
import type { Work } from './work.js';

export interface LeadLag {
  /** Largest lag looked at, either way. */
  readonly maxLag: number;
  /**
   * Row a, column b: the lag at which a and b are most correlated, by absolute value; above 0 when a leads b, so
   * `lags[b][a]` is `-lags[a][b]`. Of equal correlations the smallest lag counts, and of k and -k the one above 0 for a < b.
   */
  readonly lags: Matrix;
  /** The correlation at that lag; symmetric. */
  readonly correlations: Matrix;
  /**
   * For each pair a < b, row by row ((0, 1), (0, 2), …, (1, 2), …), the correlations at lags -maxLag to maxLag;
   * null when not asked for.
   */
  readonly functions: readonly Float64Array[] | null;
}

/** Correlations nearer than this are equal: they differ by rounding alone. */
const ROUNDING = 1e-12;

/**
 * Cross-correlation of every pair: Pearson's coefficient of a[t] and b[t + lag] over the points where both exist, so
 * each lag has means and deviations of its own and the value is within -1 and 1. One lag after the other, for all pairs.
 */
export function leadLag(table: Table, maxLag: number, withFunctions: boolean, work: Work): LeadLag {
  const size = table.rows.length;
  const lags = emptyMatrix(size);
  const correlations = emptyMatrix(size);
  const pairs = (size * (size - 1)) / 2;
  const functions = withFunctions
    ? Array.from({ length: pairs }, () => new Float64Array(2 * maxLag + 1))
    : null;
  const atLag = new LaggedCorrelations(table, work);
  const offer = (a: number, b: number, lag: number, value: number): void => {
    const best = cell(correlations, a, b);
    if (!(Math.abs(value) > (Number.isNaN(best) ? -1 : Math.abs(best)) + ROUNDING)) return;
    setPair(correlations, a, b, value);
    setCell(lags, a, b, lag);
    setCell(lags, b, a, lag === 0 ? 0 : -lag);
  };
  for (let lag = 0; lag <= maxLag; lag++) {
    const valueOf = atLag.at(lag);
    let pair = 0;
    for (let a = 0; a < size; a++) {
      if (lag === 0 && !Number.isNaN(valueOf(a, a))) offer(a, a, 0, 1);
      for (let b = a + 1; b < size; b++) {
        const forward = valueOf(a, b);
        const backward = lag === 0 ? forward : valueOf(b, a);
        offer(a, b, lag, forward);
        if (lag > 0) offer(a, b, -lag, backward);
        functions?.[pair]?.set([backward], maxLag - lag);
        functions?.[pair]?.set([forward], maxLag + lag);
        pair++;
      }
    }
  }
  return { maxLag, lags, correlations, functions };
}

/** Nanoseconds; `complete` of the rows have no missing value. */
export function leadLagCost(rows: number, complete: number, points: number, maxLag: number): number {
  const whole = complete * complete * COST_PER_PRODUCT;
  const others = (rows * rows - complete * complete) * COST_PER_GATHERED_POINT;
  return (maxLag + 0.5) * points * (whole + others);
}

/** Nanoseconds for each point of a pair in which a value is missing. */
const COST_PER_GATHERED_POINT = 6;

/** The correlations of all ordered pairs, lag by lag. */
class LaggedCorrelations {
  readonly #rows: readonly Float64Array[];
  readonly #presence: readonly Int32Array[];
  /** By row: its place among the complete ones, or -1. */
  readonly #places: readonly number[];
  readonly #levels: Float64Array;
  /** The complete rows, each less its mean. */
  readonly #panel: Panel;
  readonly #points: number;
  readonly #work: Work;

  constructor({ rows, points, complete }: Table, work: Work) {
    this.#rows = rows.map(safelyScaled);
    this.#presence = rows.map(presenceOf);
    this.#points = points;
    this.#work = work;
    let count = 0;
    this.#places = complete.map((whole) => (whole ? count++ : -1));
    this.#panel = panelFor(count, points);
    this.#levels = new Float64Array(count);
    this.#rows.forEach((row, index) => {
      const place = this.#places[index] ?? -1;
      if (place < 0) return;
      const first = at(row, 0);
      const shift = row.reduce((sum, value) => sum + (value - first), 0) / points;
      this.#levels[place] = first + shift;
      this.#panel.data.set(
        row.map((value) => value - first - shift),
        place * points,
      );
    });
  }

  /** Gives the correlation of a[t] and b[t + lag]; at lag 0 for a <= b alone. NaN where there is none. */
  at(lag: number): (a: number, b: number) => number {
    const { paddedRows } = this.#panel;
    const products = dotProducts(this.#panel, lag, this.#work);
    const heads = this.#parts(0, this.#points - lag);
    const tails = this.#parts(lag, this.#points);
    return (a, b) => {
      const head = this.#places[a] ?? -1;
      const tail = this.#places[b] ?? -1;
      if (head < 0 || tail < 0) return this.#byDefinition(a, b, lag);
      const norms = at(heads.norms, head) * at(tails.norms, tail);
      if (Number.isNaN(norms)) return this.#byDefinition(a, b, lag);
      const means = (this.#points - lag) * at(heads.means, head) * at(tails.means, tail);
      return clampToUnit((at(products, head * paddedRows + tail) - means) / norms);
    };
  }

  /** Of a part of every complete row: its mean, and the root of the sum of squared deviations from it. */
  #parts(from: number, to: number): Parts {
    const count = this.#levels.length;
    const parts: Parts = { means: new Float64Array(count), norms: new Float64Array(count) };
    for (let place = 0; place < count; place++) {
      const start = place * this.#points;
      const part = this.#panel.data.subarray(start + from, start + to);
      const { mean, norm } = momentsOf(part, at(this.#levels, place));
      parts.means[place] = mean;
      parts.norms[place] = norm;
    }
    return parts;
  }

  #byDefinition(a: number, b: number, lag: number): number {
    const rowA = this.#rows[a];
    const rowB = this.#rows[b]?.subarray(lag);
    const presentA = this.#presence[a];
    const presentB = this.#presence[b]?.subarray(lag);
    if (rowA === undefined || rowB === undefined || presentA === undefined || presentB === undefined) {
      return NaN;
    }
    const x = new Float64Array(rowB.length);
    const y = new Float64Array(rowB.length);
    this.#work.add(rowB.length * COST_PER_GATHERED_POINT);
    const head = rowA.subarray(0, rowB.length);
    return pearsonOf(x, y, gatherCommon(head, rowB, presentA, presentB, x, y));
  }
}

interface Parts {
  readonly means: Float64Array;
  /** NaN when the sum of products would lose digits. */
  readonly norms: Float64Array;
}

/** A mean this many times the deviation costs the sum of products four digits. */
const MAX_MEAN_TO_DEVIATION = 100;

function momentsOf(part: Float64Array, level: number): { readonly mean: number; readonly norm: number } {
  let sum = 0;
  for (let t = 0; t < part.length; t++) sum += at(part, t);
  const mean = sum / part.length;
  let squares = 0;
  for (let t = 0; t < part.length; t++) squares += (at(part, t) - mean) ** 2;
  const deviation = Math.sqrt(squares / part.length);
  const unsafe = Math.abs(mean) > MAX_MEAN_TO_DEVIATION * deviation;
  return { mean, norm: unsafe || isConstant(level + mean, squares, part.length) ? NaN : Math.sqrt(squares) };
}
