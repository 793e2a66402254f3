import { at } from '../at.js';
import type { OptimizerOptions } from './options.js';

/** What an optimiser remembers between steps: enough to go on from. */
export interface OptimizerState {
  readonly steps: number;
  /** One number for each parameter in each: velocity of SGD; first and second moments of Adam. */
  readonly slots: readonly Float64Array[];
}

/**
 * Changes parameters in place against a gradient.
 * SGD: v ← momentum · v - rate · g, w ← w + v (Polyak 1964). Adam: Kingma & Ba, arXiv 1412.6980, algorithm 1.
 */
export class Optimizer {
  readonly #options: OptimizerOptions;
  readonly #slots: readonly Float64Array[];
  #steps: number;

  /** `state`: to go on from; its slots are taken over. */
  constructor(options: OptimizerOptions, parameters: number, state?: OptimizerState) {
    this.#options = options;
    this.#steps = state?.steps ?? 0;
    this.#slots =
      state?.slots ?? Array.from({ length: slotsOf(options) }, () => new Float64Array(parameters));
  }

  get state(): OptimizerState {
    return { steps: this.#steps, slots: this.#slots };
  }

  step(parameters: Float64Array, gradient: Float64Array): void {
    this.#steps++;
    const [first, second] = this.#slots;
    if (this.#options.name === 'sgd') {
      const { learningRate, momentum } = this.#options;
      for (let i = 0; i < parameters.length; i++) {
        const velocity = (first === undefined ? 0 : momentum * at(first, i)) - learningRate * at(gradient, i);
        if (first !== undefined) first[i] = velocity;
        parameters[i] = at(parameters, i) + velocity;
      }
      return;
    }
    if (first === undefined || second === undefined) return;
    const { learningRate, beta1, beta2, epsilon } = this.#options;
    const scale1 = 1 - beta1 ** this.#steps;
    const scale2 = 1 - beta2 ** this.#steps;
    for (let i = 0; i < parameters.length; i++) {
      const g = at(gradient, i);
      const mean = beta1 * at(first, i) + (1 - beta1) * g;
      const square = beta2 * at(second, i) + (1 - beta2) * g * g;
      first[i] = mean;
      second[i] = square;
      parameters[i] =
        at(parameters, i) - (learningRate * (mean / scale1)) / (Math.sqrt(square / scale2) + epsilon);
    }
  }
}

/** Arrays that an optimiser keeps, each as long as the parameters. */
export function slotsOf(options: OptimizerOptions): number {
  if (options.name === 'adam') return 2;
  return options.momentum === 0 ? 0 : 1;
}
