import { isRecord, describe } from '../checks.js';
import { TaskFailure } from '../failure.js';
import type { TaskContext, TaskHandler } from '../kind.js';
import { ErrorFeedback } from './compression.js';
import { diverged } from './diverged.js';
import { type GradientWork, parseGradientWork } from './gradient-work.js';
import { Network } from './network.js';
import type { Compression } from './options.js';

/** What an agent answers to GradientWork. */
export interface GradientResult {
  readonly modelVersion: number;
  /** Samples averaged over. */
  readonly batchSize: number;
  /** Their mean loss. */
  readonly loss: number;
  readonly encoding: Compression['name'];
  /** See encodeGradient. */
  readonly gradients: Uint8Array;
}

/** Of this thread: each thread of an agent is a worker of its own to the error feedback. */
const feedback = new ErrorFeedback();
/** Rows between two looks at the abort. */
const ROWS_AT_ONCE = 16;

/** The handler of `neural-training`: the gradient of one part of a batch. */
export function neuralTraining(input: unknown, context: TaskContext): GradientResult {
  const work = parseGradientWork(input);
  const network = new Network(work.model);
  const gradient = new Float64Array(network.parameters);
  const loss = network.gradient(work.weights, work, gradient, (row) => {
    if (row % ROWS_AT_ONCE === 0) context.throwIfAborted();
  });
  if (!Number.isFinite(loss) || !gradient.every(fitsFloat32)) throw diverged(work.version);
  return answer(work, loss, gradient);
}

/** Whether a number can travel: every compression sends float32. */
function fitsFloat32(number: number): boolean {
  return Number.isFinite(Math.fround(number));
}

/**
 * Lets a trainer of the user's stand in for the built-in one. It gets GradientWork and returns `{loss, gradients}`: the
 * mean loss of the rows, and its gradient as a list of numbers in the layout of the weights.
 */
export function neuralTrainingWith(own: TaskHandler): TaskHandler {
  return async (input, context) => {
    const work = parseGradientWork(input);
    const result: unknown = await own(work, context);
    const fields = isRecord(result) ? result : {};
    const { loss, gradients } = fields;
    if (typeof loss !== 'number' || !Number.isFinite(loss)) {
      throw badGradient(`its loss must be a finite number; it is ${describe(loss)}`);
    }
    return answer(work, loss, ownGradient(gradients, work.weights.length));
  };
}

function answer(work: GradientWork, loss: number, gradient: Float64Array): GradientResult {
  const { training, version, count, compression } = work;
  const gradients = feedback.compress(training, gradient, compression);
  return { modelVersion: version, batchSize: count, loss, encoding: compression.name, gradients };
}

function ownGradient(value: unknown, length: number): Float64Array {
  if (!Array.isArray(value) && !(value instanceof Float64Array) && !(value instanceof Float32Array)) {
    throw badGradient(`its gradients must be a list of ${length} numbers; it is ${describe(value)}`);
  }
  const list: ArrayLike<unknown> = value;
  if (list.length !== length) {
    throw badGradient(`its gradients must be ${length} numbers, as many as weights; it has ${list.length}`);
  }
  return Float64Array.from(list, (element, index) => {
    if (typeof element === 'number' && fitsFloat32(element)) return element;
    throw badGradient(`gradients[${index}] must be a finite number of float32; it is ${describe(element)}`);
  });
}

function badGradient(problem: string): TaskFailure {
  return new TaskFailure('BAD_GRADIENT', `the trainer of this agent's handlers file: ${problem}`, true);
}
