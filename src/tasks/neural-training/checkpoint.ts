import { integer, isRecord, numberList, objectWith } from '../checks.js';
import { TaskInputError } from '../kind.js';
import type { NeuralTrainingInput } from './input.js';
import { parameterCount } from './network.js';
import { type OptimizerState, slotsOf } from './optimizer.js';

/** A training at one moment: with its input, all that is needed to go on. */
export interface Checkpoint {
  readonly format: 1;
  readonly version: number;
  readonly weights: Float64Array;
  readonly optimizer: OptimizerState;
  /** The epoch under way, from 0. */
  readonly epoch: number;
  /** Batches of it that the weights have learned from. */
  readonly done: Uint32Array;
  /** Loss of these, summed over their samples; and the number of those. */
  readonly lossSum: number;
  readonly lossCount: number;
  /** Mean loss of each epoch before. */
  readonly losses: Float64Array;
  /** Gradients used so far, by agent. */
  readonly agents: Readonly<Record<string, number>>;
}

const FIELDS = [
  'format',
  'version',
  'weights',
  'optimizer',
  'epoch',
  'done',
  'lossSum',
  'lossCount',
  'losses',
  'agents',
];
const MAX = Number.MAX_SAFE_INTEGER;

/** A decoded checkpoint of a training with this input. @throws TaskInputError when it is not one. */
export function parseCheckpoint(value: unknown, input: NeuralTrainingInput): Checkpoint {
  const fields = objectWith(value, 'checkpoint', FIELDS);
  integer(fields['format'], 'format', 1, 1);
  const parameters = parameterCount(input.model);
  const batches = Math.ceil(input.samples.length / input.batchSize);
  const optimizer = objectWith(fields['optimizer'], 'optimizer', ['steps', 'slots']);
  const slots = optimizer['slots'];
  const wanted = slotsOf(input.optimizer);
  if (!Array.isArray(slots) || slots.length !== wanted) {
    throw new TaskInputError('optimizer.slots', `must be ${wanted} lists`);
  }
  const { lossSum } = fields;
  if (typeof lossSum !== 'number') throw new TaskInputError('lossSum', 'must be a number');
  const epoch = integer(fields['epoch'], 'epoch', 0, input.epochs);
  return {
    format: 1,
    version: integer(fields['version'], 'version', 0, MAX),
    weights: numbers(fields['weights'], 'weights', parameters),
    optimizer: {
      steps: integer(optimizer['steps'], 'optimizer.steps', 0, MAX),
      slots: slots.map((slot, index) => numbers(slot, `optimizer.slots[${index}]`, parameters)),
    },
    epoch,
    done: doneBatches(fields['done'], batches),
    lossSum,
    lossCount: integer(fields['lossCount'], 'lossCount', 0, MAX),
    losses: numbers(fields['losses'], 'losses', epoch),
    agents: counts(fields['agents']),
  };
}

function numbers(value: unknown, path: string, length: number): Float64Array {
  const limits = { minLength: length, maxLength: length, maxMagnitude: Number.MAX_VALUE };
  return numberList(value, path, limits);
}

function doneBatches(value: unknown, batches: number): Uint32Array {
  const isList = value instanceof Uint32Array && value.every((batch) => batch < batches);
  if (!isList) throw new TaskInputError('done', `must be batches below ${batches}`);
  return value;
}

function counts(value: unknown): Record<string, number> {
  if (!isRecord(value)) throw new TaskInputError('agents', 'must be an object');
  return Object.fromEntries(
    Object.entries(value).map(([agentId, count]) => [agentId, integer(count, `agents.${agentId}`, 0, MAX)]),
  );
}
