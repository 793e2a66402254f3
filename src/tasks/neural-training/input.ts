import { describe, finiteNumber, flag, integer, numberList, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { parseCompression, parseModel, parseOptimizer } from './input-model.js';
import { outputsOf, parameterCount } from './network.js';
import { type Compression, type Mode, type ModelShape, MODES, type OptimizerOptions } from './options.js';

const FIELDS = [
  'model',
  'optimizer',
  'samples',
  'labels',
  'epochs',
  'batchSize',
  'mode',
  'seed',
  'shuffle',
  'shards',
  'compression',
  'maxStaleness',
  'stragglerMs',
  'checkpointMs',
] as const;

const MAX_SAMPLES = 1_000_000;
const MAX_EPOCHS = 100_000;
const MAX_SHARDS = 1024;
const MAX_VALUE = 1e100;
/** Updates of the weights in all epochs together. */
const MAX_UPDATES = 100_000_000;
/** Bytes of weights, samples and labels of one part of a batch: with its header it fits into one message of 64 MiB. */
const MAX_WORK_BYTES = 60 * 1024 * 1024;

/** Input of a `neural-training` task in wire form: number lists as Float64Array, defaults filled in. */
export interface NeuralTrainingInput {
  readonly model: ModelShape;
  readonly optimizer: OptimizerOptions;
  /** One row of `model.inputs` numbers for each sample. */
  readonly samples: readonly Float64Array[];
  /** One row for each sample, as long as the last layer has units. */
  readonly labels: readonly Float64Array[];
  readonly epochs: number;
  /** Samples of one update; the last batch of an epoch may have fewer. */
  readonly batchSize: number;
  readonly mode: Mode;
  /** Of the first weights and of the order of the samples: 0 to 2^32 - 1. */
  readonly seed: number;
  /** A new order of the samples in each epoch. */
  readonly shuffle: boolean;
  /** Parts of a batch, with mode `sync`: what that many agents can do at once. */
  readonly shards: number;
  readonly compression: Compression;
  /** With mode `async`: updates that may come between the weights of a gradient and its own update. */
  readonly maxStaleness: number;
  /** After this long another agent may get the same work as well. Milliseconds. */
  readonly stragglerMs: number;
  /** Time between checkpoints, at least. Milliseconds. */
  readonly checkpointMs: number;
}

/**
 * Checks an input from JSON or from the wire and fills the defaults in. A field that is null counts as not given.
 * Idempotent: its result passes unchanged.
 *
 * @throws TaskInputError at the first fault, with the path of the field or element.
 */
export function parseNeuralTrainingInput(value: unknown): NeuralTrainingInput {
  const fields = objectWith(value, '', FIELDS);
  const model = parseModel(fields['model']);
  const optimizer = parseOptimizer(fields['optimizer'] ?? {});
  const samples = parseSamples(fields['samples'] ?? undefined, model);
  const labels = parseLabels(fields['labels'] ?? undefined, model, samples.length);
  const input: NeuralTrainingInput = {
    model,
    optimizer,
    samples,
    labels,
    epochs: integer(fields['epochs'] ?? 1, 'epochs', 1, MAX_EPOCHS),
    batchSize: integer(fields['batchSize'] ?? 32, 'batchSize', 1, MAX_SAMPLES),
    mode: oneOf(fields['mode'] ?? 'sync', 'mode', MODES),
    seed: integer(fields['seed'] ?? 1, 'seed', 0, 2 ** 32 - 1),
    shuffle: flag(fields['shuffle'] ?? true, 'shuffle'),
    shards: integer(fields['shards'] ?? 4, 'shards', 1, MAX_SHARDS),
    compression: parseCompression(fields['compression'] ?? 'float32'),
    maxStaleness: integer(fields['maxStaleness'] ?? 4, 'maxStaleness', 0, 1_000_000),
    stragglerMs: finiteNumber(fields['stragglerMs'] ?? 5_000, 'stragglerMs', 1, 86_400_000),
    checkpointMs: finiteNumber(fields['checkpointMs'] ?? 1_000, 'checkpointMs', 0, 86_400_000),
  };
  checkSize(input);
  return input;
}

function parseSamples(value: unknown, { inputs }: ModelShape): readonly Float64Array[] {
  const list = rows(value, 'samples');
  if (list.length === 0) throw new TaskInputError('samples', 'is empty; give at least 1 sample');
  if (list.length > MAX_SAMPLES) {
    throw new TaskInputError('samples', `has ${list.length} samples; at most ${MAX_SAMPLES} are accepted`);
  }
  return Array.from(list, (row, index) => {
    const path = `samples[${index}]`;
    const numbers = numberList(row, path, { minLength: 0, maxLength: 100_000, maxMagnitude: MAX_VALUE });
    if (numbers.length === inputs) return numbers;
    throw new TaskInputError(path, `has ${numbers.length} numbers; model.inputs is ${inputs}`);
  });
}

/** Rows as long as the output; or bare numbers: the one output's, or with cross-entropy the index of the class. */
function parseLabels(value: unknown, model: ModelShape, count: number): readonly Float64Array[] {
  const list = rows(value, 'labels');
  if (list.length !== count) {
    throw new TaskInputError('labels', `has ${list.length} elements; there are ${count} samples`);
  }
  const outputs = outputsOf(model);
  return Array.from(list, (row, index) => {
    const path = `labels[${index}]`;
    if (typeof row === 'number') return bareLabel(row, path, model, outputs);
    const numbers = numberList(row, path, { minLength: 0, maxLength: 100_000, maxMagnitude: MAX_VALUE });
    if (numbers.length !== outputs) {
      throw new TaskInputError(path, `has ${numbers.length} numbers; the last layer has ${outputs} units`);
    }
    checkLabels(numbers, path, model);
    return numbers;
  });
}

function bareLabel(value: number, path: string, model: ModelShape, outputs: number): Float64Array {
  if (model.loss === 'cross-entropy') {
    const label = new Float64Array(outputs);
    label[integer(value, path, 0, outputs - 1)] = 1;
    return label;
  }
  if (outputs !== 1) {
    throw new TaskInputError(
      path,
      `is a number; the last layer has ${outputs} units, so give a list of them`,
    );
  }
  const label = Float64Array.of(finiteNumber(value, path, -MAX_VALUE, MAX_VALUE));
  checkLabels(label, path, model);
  return label;
}

const SUM_TOLERANCE = 1e-6;

function checkLabels(numbers: Float64Array, path: string, { loss }: ModelShape): void {
  if (loss === 'mse') return;
  const bad = numbers.findIndex((label) => !(label >= 0 && label <= 1));
  if (bad !== -1) {
    throw new TaskInputError(
      `${path}[${bad}]`,
      `is ${String(numbers[bad])}; with loss '${loss}' labels are from 0 to 1`,
    );
  }
  const sum = numbers.reduce((total, label) => total + label, 0);
  if (loss === 'cross-entropy' && Math.abs(sum - 1) > SUM_TOLERANCE) {
    throw new TaskInputError(path, `sums to ${sum}; with loss 'cross-entropy' it is a distribution, sum 1`);
  }
}

function rows(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value) && !(value instanceof Float64Array) && !(value instanceof Float32Array)) {
    throw new TaskInputError(path, `must be a list with one row for each sample; it is ${describe(value)}`);
  }
  return Array.isArray(value) ? value : [...value];
}

function checkSize(input: NeuralTrainingInput): void {
  const { model, samples, epochs, batchSize, shards, mode } = input;
  const updates = epochs * Math.ceil(samples.length / batchSize);
  if (updates > MAX_UPDATES) {
    throw new TaskInputError('epochs', `make ${updates} updates; at most ${MAX_UPDATES} are accepted`);
  }
  const batch = Math.min(batchSize, samples.length);
  const rowsOfWork = mode === 'sync' ? Math.ceil(batch / shards) : batch;
  const bytes = 8 * (parameterCount(model) + rowsOfWork * (model.inputs + outputsOf(model)));
  if (bytes > MAX_WORK_BYTES) {
    throw new TaskInputError(
      'batchSize',
      `makes work of ${bytes} bytes for one agent; at most ${MAX_WORK_BYTES} fit: use a smaller batch or more shards`,
    );
  }
}
