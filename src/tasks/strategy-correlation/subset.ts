import { cell, type Matrix } from './matrix.js';
import type { Method, SubsetOptions } from './options.js';
import { exactSubset } from './subset-exact.js';
import { improve, startsOf } from './subset-swap.js';
import { type Choice, ROUNDING, type Weights } from './subset-weights.js';
import type { Work } from './work.js';

export interface Subset {
  readonly k: number;
  readonly method: Method;
  readonly measure: SubsetOptions['measure'];
  /** `exact`: no subset has a lower mean; `greedy-swap`: no exchange of one strategy lowers it. */
  readonly search: 'exact' | 'greedy-swap';
  /** Chosen strategies, in the order of the input. */
  readonly strategyIds: readonly string[];
  /** Their indices, rising. */
  readonly indices: Int32Array;
  /** Mean of the measure over the pairs chosen; null when there is no subset in which every pair has a coefficient. */
  readonly mean: number | null;
}

/** Steps that the exact search may take, of about a nanosecond. Steps, not time: the answer is the same everywhere. */
const EXACT_STEPS = 1e8;

/**
 * The k strategies whose pairs have the least mean |r| (or r). First greedy choice and exchange, from several starts;
 * then branch and bound, which either proves that nothing is better, or finds it, or runs out of steps.
 */
export function leastCorrelated(
  strategyIds: readonly string[],
  coefficients: Matrix,
  { k, method, measure }: SubsetOptions,
  work: Work,
): Subset {
  const weights = weightsOf(coefficients, measure, k);
  let best: Choice | null = null;
  for (const start of startsOf(weights, k)) {
    const found = improve(weights, start, k, work);
    if (best === null || found.total < best.total - ROUNDING) best = found;
  }
  if (best === null) throw new RangeError('a subset is chosen of at least one strategy');
  const exact = exactSubset(weights, k, best, EXACT_STEPS, work);
  const { members, total } = exact.best;
  const pairs = (k * (k - 1)) / 2;
  const impossible = members.some((a, i) =>
    members.slice(i + 1).some((b) => Number.isNaN(cell(coefficients, a, b))),
  );
  return {
    k,
    method,
    measure,
    search: exact.proved ? 'exact' : 'greedy-swap',
    strategyIds: impossible ? [] : members.map((member) => strategyIds[member] ?? ''),
    indices: Int32Array.from(impossible ? [] : members),
    mean: impossible ? null : total / pairs,
  };
}

export function subsetCost(size: number, k: number): number {
  return EXACT_STEPS / 4 + size * size * 100 + size * k * 1000;
}

/** A pair without a coefficient weighs more than all that have one, so it is chosen only when nothing else is left. */
function weightsOf(coefficients: Matrix, measure: SubsetOptions['measure'], k: number): Weights {
  const size = coefficients.length;
  const values = new Float64Array(size * size);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      if (a === b) continue;
      const r = cell(coefficients, a, b);
      values[a * size + b] = Number.isNaN(r) ? k * k : measure === 'absolute' ? Math.abs(r) : r;
    }
  }
  return { size, values };
}
