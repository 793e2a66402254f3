import type { TaskKind } from '../kind.js';
import { parsePatternTask } from './input.js';
import { patternMatchContext, patternMatchTuning, patternOf } from './tuning.js';

/** `pattern-match`: finds the stretches of history most like the current one, and says what followed them. */
export const patternMatchKind: TaskKind = {
  name: 'pattern-match',
  agentTypes: ['pattern'],
  parseInput: parsePatternTask,
  placement: () => 'worker',
  tuning: patternMatchTuning,
  contextOf: patternMatchContext,
  patternOf,
};
