import type { TaskKind } from '../kind.js';
import { parseStrategyCorrelationInput } from './input.js';

/** `strategy-correlation`: how alike n strategies move, which belong together, and which few are least alike. */
export const strategyCorrelationKind: TaskKind = {
  name: 'strategy-correlation',
  agentTypes: ['strategy'],
  parseInput: parseStrategyCorrelationInput,
  placement: () => 'worker',
};
