import { describe, finiteNumber, integer, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { parameterCount } from './network.js';
import {
  type Activation,
  ACTIVATIONS,
  type Compression,
  COMPRESSIONS,
  type LayerShape,
  type Loss,
  LOSSES,
  type ModelShape,
  OPTIMIZERS,
  type OptimizerOptions,
} from './options.js';

/** Weights and biases of all layers: the model, and twice as much of the optimiser's, fit into one checkpoint. */
export const MAX_PARAMETERS = 2_000_000;
export const MAX_INPUTS = 100_000;
const MAX_LAYERS = 32;
const MAX_UNITS = 100_000;

export function parseModel(value: unknown): ModelShape {
  const fields = objectWith(value ?? undefined, 'model', ['inputs', 'layers', 'loss']);
  const inputs = integer(fields['inputs'], 'model.inputs', 1, MAX_INPUTS);
  const layers = parseLayers(fields['layers']);
  const loss = oneOf(fields['loss'], 'model.loss', LOSSES);
  checkOutput(layers, loss);
  const model = { inputs, layers, loss };
  const parameters = parameterCount(model);
  if (parameters > MAX_PARAMETERS) {
    throw new TaskInputError(
      'model.layers',
      `make ${parameters} weights and biases; at most ${MAX_PARAMETERS} are accepted`,
    );
  }
  return model;
}

function parseLayers(value: unknown): readonly LayerShape[] {
  if (!Array.isArray(value)) {
    throw new TaskInputError('model.layers', `must be a list of layers; it is ${describe(value)}`);
  }
  const list: readonly unknown[] = value;
  if (list.length === 0) throw new TaskInputError('model.layers', 'is empty; give at least the output layer');
  if (list.length > MAX_LAYERS) {
    throw new TaskInputError('model.layers', `has ${list.length} layers; at most ${MAX_LAYERS} are accepted`);
  }
  return Array.from(list, (layer, index) => {
    const path = `model.layers[${index}]`;
    const fields = objectWith(layer, path, ['units', 'activation']);
    return {
      units: integer(fields['units'], `${path}.units`, 1, MAX_UNITS),
      activation: oneOf(fields['activation'], `${path}.activation`, ACTIVATIONS),
    };
  });
}

/** What the last layer must be for a loss that is made for one activation. */
const OUTPUT_OF: Readonly<Partial<Record<Loss, Activation>>> = {
  'binary-cross-entropy': 'sigmoid',
  'cross-entropy': 'softmax',
};

function checkOutput(layers: readonly LayerShape[], loss: Loss): void {
  const last = layers.length - 1;
  for (const [index, { activation, units }] of layers.entries()) {
    const path = `model.layers[${index}].activation`;
    if (activation === 'softmax' && (index < last || loss !== 'cross-entropy')) {
      throw new TaskInputError(path, "is 'softmax', which goes only in the last layer, with cross-entropy");
    }
    const wanted = OUTPUT_OF[loss];
    if (index === last && wanted !== undefined && activation !== wanted) {
      throw new TaskInputError(
        path,
        `must be '${wanted}' in the last layer for loss '${loss}'; it is '${activation}'`,
      );
    }
    if (activation === 'softmax' && units < 2) {
      throw new TaskInputError(`model.layers[${index}].units`, 'is 1; softmax takes one unit for each class');
    }
  }
}

const MAX_RATE = 1e6;

export function parseOptimizer(value: unknown): OptimizerOptions {
  const path = 'optimizer';
  const name = oneOf(
    objectWith(value, path, ['name', 'learningRate', 'momentum', 'beta1', 'beta2', 'epsilon'])['name'] ??
      'adam',
    'optimizer.name',
    OPTIMIZERS,
  );
  const known =
    name === 'sgd'
      ? ['name', 'learningRate', 'momentum']
      : ['name', 'learningRate', 'beta1', 'beta2', 'epsilon'];
  const fields = objectWith(value, path, known);
  const rate = (by: number) => {
    const given = finiteNumber(fields['learningRate'] ?? by, 'optimizer.learningRate', 0, MAX_RATE);
    if (given === 0) throw new TaskInputError('optimizer.learningRate', 'is 0; nothing would be learned');
    return given;
  };
  const below1 = (field: string, by: number) => {
    const given = finiteNumber(fields[field] ?? by, `optimizer.${field}`, 0, 1);
    if (given === 1) throw new TaskInputError(`optimizer.${field}`, 'must be below 1; it is 1');
    return given;
  };
  if (name === 'sgd') return { name, learningRate: rate(0.01), momentum: below1('momentum', 0) };
  return {
    name,
    learningRate: rate(0.001),
    beta1: below1('beta1', 0.9),
    beta2: below1('beta2', 0.999),
    epsilon: finiteNumber(fields['epsilon'] ?? 1e-8, 'optimizer.epsilon', 1e-300, 1),
  };
}

/** A name, or an object with a name and what it takes. */
export function parseCompression(value: unknown): Compression {
  const path = 'compression';
  if (typeof value === 'string') return parseCompression({ name: value });
  const fields = objectWith(value, path, ['name', 'fraction']);
  const name = oneOf(fields['name'], 'compression.name', COMPRESSIONS);
  if (name !== 'top-k') {
    objectWith(value, path, ['name']);
    return { name };
  }
  const fraction = finiteNumber(fields['fraction'] ?? 0.1, 'compression.fraction', 0, 1);
  if (fraction === 0) throw new TaskInputError('compression.fraction', 'is 0; nothing would be sent');
  return { name, fraction };
}
