import { TaskFailure } from '../failure.js';

/** The weights of this version, their loss or its gradient are no finite numbers: nothing that is tried again can help. */
export function diverged(version: number): TaskFailure {
  return new TaskFailure(
    'TRAINING_DIVERGED',
    `the training is no longer finite at version ${version}: use a smaller optimizer.learningRate, or scale the samples`,
    false,
  );
}
