import { at } from '../at.js';
import { WorkMeter } from './work-meter.js';

export interface LcssOptions {
  /** Two points match when |a - b| <= epsilon. */
  readonly epsilon: number;
  /** Points i and j may match when |i - j| <= delta. Default null: no limit. */
  readonly delta?: number | null;
}

/**
 * Length of the longest common subsequence of two real-valued series: the most pairs of matching points, in order in
 * both (Vlachos, Kollios & Gunopulos 2002, definition 1). Two points match when their values differ by at most
 * `epsilon` and their positions by at most `delta`. The paper's `<` for epsilon is `<=` here, so that with epsilon 0
 * equal values match.
 *
 * @returns 0 to the length of the shorter series.
 */
export function lcssLength(a: Float64Array, b: Float64Array, options: LcssOptions): number {
  return new CommonSubsequence(b, options.epsilon, options.delta ?? null).of(a, 0);
}

/** Common subsequence of many candidates with one query; one row of the table, reused, nothing allocated for a candidate. */
export class CommonSubsequence {
  /** Cell j: the length for the query's first j points. */
  readonly #row: Float64Array;
  readonly #query: Float64Array;
  readonly #epsilon: number;
  readonly #delta: number;
  readonly #meter: WorkMeter;

  constructor(query: Float64Array, epsilon: number, delta: number | null, meter = new WorkMeter()) {
    this.#row = new Float64Array(query.length + 1);
    this.#query = query;
    this.#epsilon = epsilon;
    this.#delta = delta ?? Infinity;
    this.#meter = meter;
  }

  /**
   * Exact when it is at least `needed`; otherwise some value under `needed`. Each row adds at most one pair, so it
   * gives up when the rows that are left cannot reach `needed`.
   */
  of(candidate: Float64Array, needed: number): number {
    const row = this.#row;
    const query = this.#query;
    const columns = query.length;
    const rows = candidate.length;
    row.fill(0);
    // Right of the band nothing can match: those cells all equal the last one inside it, `longest`.
    let longest = 0;
    let reached = 0;
    for (let i = 0; i < rows; i++) {
      const value = at(candidate, i);
      const from = Math.max(1, i + 1 - this.#delta);
      const to = Math.min(columns, i + 1 + this.#delta);
      // Left of the band the length no longer changes: the row above still holds it.
      let left = at(row, Math.min(from, columns + 1) - 1);
      let diagonal = left;
      for (let j = from; j <= to; j++) {
        const up = j > reached ? longest : at(row, j);
        const matched = Math.abs(value - at(query, j - 1)) <= this.#epsilon;
        left = matched ? diagonal + 1 : Math.max(left, up);
        diagonal = up;
        row[j] = left;
      }
      if (from <= to) {
        longest = left;
        reached = to;
      }
      if (longest + rows - 1 - i < needed) return longest;
      this.#meter.add(Math.max(1, to - from + 1));
    }
    return longest;
  }
}
