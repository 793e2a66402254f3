import { SeededRandom } from '../../numeric/random.js';
import type { ModelShape } from './options.js';
import { parameterCount, placesOf } from './network.js';

/**
 * Weights to begin with: uniform in ±√(6 / inputs) before relu (He et al. 2015), else in ±√(6 / (inputs + units))
 * (Glorot & Bengio 2010); biases 0. The same seed gives the same weights everywhere.
 */
export function initialWeights(shape: ModelShape, seed: number): Float64Array {
  const random = new SeededRandom(seed);
  const parameters = new Float64Array(parameterCount(shape));
  for (const { inputs, units, activation, weights, biases } of placesOf(shape)) {
    const limit = Math.sqrt(6 / (activation === 'relu' ? inputs : inputs + units));
    for (let i = weights; i < biases; i++) parameters[i] = (2 * random.fraction() - 1) * limit;
  }
  return parameters;
}

/** The flat parameters as lists: of each layer its weights, row by row, then its biases. Copies. */
export function weightLists(shape: ModelShape, parameters: Float64Array): Float64Array[] {
  return placesOf(shape).flatMap(({ units, weights, biases }) => [
    parameters.slice(weights, biases),
    parameters.slice(biases, biases + units),
  ]);
}
