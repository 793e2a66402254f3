import { at } from '../at.js';
import { type Choice, ROUNDING, totalOf, type Weights } from './subset-weights.js';
import type { Work } from './work.js';

export interface ExactResult {
  readonly best: Choice;
  /** Whether nothing better exists; false when the steps ran out. */
  readonly proved: boolean;
}

/**
 * Branch and bound over subsets of k in a fixed order of the strategies. With m chosen, each candidate c can add no less
 * than its weights to the chosen plus half of its k - m - 1 least weights to any: each pair of further ones is counted
 * half from either end. So the k - m least of these sums, with what is chosen already, bound every completion.
 *
 * @param best a subset to beat.
 */
export function exactSubset(
  weights: Weights,
  k: number,
  best: Choice,
  steps: number,
  work: Work,
): ExactResult {
  const search = new Search(weights, k, best, steps, work);
  const proved = search.run();
  return { best: search.best, proved };
}

class Search {
  best: Choice;
  readonly #weights: Weights;
  readonly #k: number;
  #stepsLeft: number;
  readonly #work: Work;
  /** Strategies with little weight first: good subsets come early. */
  readonly #order: readonly number[];
  /** Row c, element r: half the sum of the r least weights of c to others. */
  readonly #leastHalves: Float64Array;
  readonly #chosen: number[] = [];

  constructor(weights: Weights, k: number, best: Choice, steps: number, work: Work) {
    this.#weights = weights;
    this.#k = k;
    this.best = best;
    this.#stepsLeft = steps;
    this.#work = work;
    const { size, values } = weights;
    this.#leastHalves = new Float64Array(size * k);
    const sums = new Float64Array(size);
    for (let c = 0; c < size; c++) {
      const others = values.slice(c * size, (c + 1) * size);
      // Without c itself.
      others[c] = Infinity;
      others.sort();
      for (let r = 1; r < k; r++) {
        this.#leastHalves[c * k + r] = at(this.#leastHalves, c * k + r - 1) + at(others, r - 1) / 2;
      }
      for (let other = 0; other < size - 1; other++) sums[c] = at(sums, c) + at(others, other);
    }
    this.#order = Array.from({ length: size }, (_, index) => index).sort(
      (a, b) => at(sums, a) - at(sums, b) || a - b,
    );
  }

  /** Whether the search came to its end. */
  run(): boolean {
    return this.#branch(0, 0, new Float64Array(this.#weights.size));
  }

  /**
   * @param from first place in the order that may be chosen
   * @param total weight of the pairs chosen
   * @param toChosen by strategy: its weights to the chosen
   */
  #branch(from: number, total: number, toChosen: Float64Array): boolean {
    const { size, values } = this.#weights;
    const missing = this.#k - this.#chosen.length;
    if (missing === 1) return this.#finish(from, toChosen);
    for (let place = from; place + missing <= size; place++) {
      if (!this.#spend((size - place) * 20)) return false;
      if (total + this.#bound(place, missing, toChosen) >= this.best.total - ROUNDING) return true;
      const candidate = this.#order[place] ?? 0;
      const next = toChosen.slice();
      for (let c = 0; c < size; c++) next[c] = at(next, c) + at(values, candidate * size + c);
      this.#chosen.push(candidate);
      const ended = this.#branch(place + 1, total + at(toChosen, candidate), next);
      this.#chosen.pop();
      if (!ended) return false;
    }
    return true;
  }

  /** The last one is the candidate that adds least. */
  #finish(from: number, toChosen: Float64Array): boolean {
    let last = this.#order[from] ?? 0;
    for (let place = from + 1; place < this.#order.length; place++) {
      const candidate = this.#order[place] ?? 0;
      if (at(toChosen, candidate) < at(toChosen, last)) last = candidate;
    }
    const members = [...this.#chosen, last].sort((a, b) => a - b);
    const total = totalOf(this.#weights, members);
    if (total < this.best.total - ROUNDING) this.best = { members, total };
    return this.#spend((this.#order.length - from) * 2);
  }

  /** Least weight that `missing` of the candidates from a place on can add. */
  #bound(from: number, missing: number, toChosen: Float64Array): number {
    const k = this.#k;
    const count = this.#order.length - from;
    const additions = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const candidate = this.#order[from + i] ?? 0;
      additions[i] = at(toChosen, candidate) + at(this.#leastHalves, candidate * k + missing - 1);
    }
    if (missing < count) additions.sort();
    let sum = 0;
    for (let i = 0; i < missing; i++) sum += at(additions, i);
    return sum;
  }

  #spend(steps: number): boolean {
    this.#stepsLeft -= steps;
    this.#work.add(steps);
    return this.#stepsLeft >= 0;
  }
}
