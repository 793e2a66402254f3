import { at } from '../at.js';
import { initialWeights } from './initial-weights.js';
import type { NeuralTrainingInput } from './input.js';
import { Optimizer, type OptimizerState } from './optimizer.js';

/** A gradient with the number of samples it is the mean of. */
export interface WeightedGradient {
  readonly count: number;
  readonly loss: number;
  readonly gradient: Float64Array;
}

/**
 * The mean over all samples of several gradients. They are summed in the order given: the same gradients in the same order
 * give the same bits.
 */
export function average(parts: readonly WeightedGradient[]): WeightedGradient {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const gradient = new Float64Array(only?.gradient.length ?? 0);
  let count = 0;
  for (const part of parts) count += part.count;
  let loss = 0;
  for (const part of parts) {
    const weight = part.count / count;
    loss += weight * part.loss;
    for (let i = 0; i < gradient.length; i++) gradient[i] = at(gradient, i) + weight * at(part.gradient, i);
  }
  return { count, loss, gradient };
}

/** The model in training: its weights, their version (updates so far), and the optimiser that changes them. */
export class TrainedModel {
  readonly weights: Float64Array;
  readonly #optimizer: Optimizer;
  #version: number;

  constructor(
    { model, optimizer, seed }: NeuralTrainingInput,
    saved?: { readonly version: number; readonly weights: Float64Array; readonly optimizer: OptimizerState },
  ) {
    this.weights = saved?.weights ?? initialWeights(model, seed);
    this.#version = saved?.version ?? 0;
    this.#optimizer = new Optimizer(optimizer, this.weights.length, saved?.optimizer);
  }

  get version(): number {
    return this.#version;
  }

  get optimizerState(): OptimizerState {
    return this.#optimizer.state;
  }

  /** Makes the next version. False when its weights are no longer finite: the training has diverged. */
  update(gradient: Float64Array): boolean {
    this.#optimizer.step(this.weights, gradient);
    this.#version++;
    return this.weights.every(Number.isFinite);
  }
}
