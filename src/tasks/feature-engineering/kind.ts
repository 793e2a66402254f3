import type { TaskKind } from '../kind.js';
import { parseFeatureEngineeringInput } from './input.js';

/** `feature-engineering`: turns open, high, low, close and volume into columns of features, row by row. */
export const featureEngineeringKind: TaskKind = {
  name: 'feature-engineering',
  agentTypes: ['feature'],
  parseInput: parseFeatureEngineeringInput,
  placement: () => 'worker',
};
