import type { TaskKind } from '../kind.js';
import { parseGradientWork } from './gradient-work.js';
import { parseNeuralTrainingInput } from './input.js';

export const NEURAL_TRAINING = 'neural-training';

/**
 * `neural-training`: trains a dense network. The coordinator keeps the model; agents compute gradients of parts of
 * batches, which is the work they are given.
 */
export const neuralTrainingKind: TaskKind = {
  name: NEURAL_TRAINING,
  agentTypes: ['neural'],
  parseInput: parseNeuralTrainingInput,
  parseWork: parseGradientWork,
  placement: () => 'worker',
};
