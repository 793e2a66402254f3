import { integer, numberList, objectWith } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { MAX_PARAMETERS, parseCompression, parseModel } from './input-model.js';
import { outputsOf, parameterCount, type Rows } from './network.js';
import type { Compression, ModelShape } from './options.js';

/** What an agent is given: the gradient of the mean loss of these rows at these weights is wanted. */
export interface GradientWork extends Rows {
  /** Id of the training: remainders of a compression are kept by it. */
  readonly training: string;
  /** Of the weights. */
  readonly version: number;
  readonly model: ModelShape;
  /** All parameters, flat: of each layer the weights, one row for each unit, then the biases. */
  readonly weights: Float64Array;
  readonly compression: Compression;
}

const FIELDS = ['training', 'version', 'model', 'weights', 'count', 'samples', 'labels', 'compression'];
const MAX_NUMBERS = 8_000_000;

/** @throws TaskInputError at the first fault. */
export function parseGradientWork(value: unknown): GradientWork {
  const fields = objectWith(value, '', FIELDS);
  const training = fields['training'];
  if (typeof training !== 'string') throw new TaskInputError('training', 'must be the id of a training');
  const model = parseModel(fields['model']);
  const count = integer(fields['count'], 'count', 1, MAX_NUMBERS);
  return {
    training,
    version: integer(fields['version'], 'version', 0, Number.MAX_SAFE_INTEGER),
    model,
    weights: exactly(fields['weights'], 'weights', parameterCount(model), MAX_PARAMETERS),
    count,
    samples: exactly(fields['samples'], 'samples', count * model.inputs, MAX_NUMBERS),
    labels: exactly(fields['labels'], 'labels', count * outputsOf(model), MAX_NUMBERS),
    compression: parseCompression(fields['compression']),
  };
}

function exactly(value: unknown, path: string, length: number, maxLength: number): Float64Array {
  const numbers = numberList(value, path, { maxLength, maxMagnitude: Number.MAX_VALUE });
  if (numbers.length === length) return numbers;
  throw new TaskInputError(path, `has ${numbers.length} numbers; the model and count make ${length}`);
}
