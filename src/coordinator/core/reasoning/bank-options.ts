import { SeededRandom } from '../../../numeric/random.js';
import type { AdaptableParameter } from '../../../reasoning/adaptation/parameters.js';
import type { BankOptions, BankPorts } from '../../../reasoning/contract.js';

/**
 * What agents may be told to change, within what range and by how much at once. The names are those that the kind's
 * `tuning` takes; `initial` is what its inputs mean when they leave the field out.
 */
const PATTERN_MATCH: readonly AdaptableParameter[] = [
  { name: 'window', type: 'choice', initial: null, choices: [1, 2, 4, 8, 16, 32, null] },
  { name: 'k', type: 'integer', initial: 5, minimum: 1, maximum: 80, scale: 'factor', step: 2 },
  {
    name: 'similarityThreshold',
    type: 'number',
    initial: 0,
    minimum: 0,
    maximum: 0.9,
    scale: 'linear',
    step: 0.2,
  },
];

/** What the coordinator's bank knows of the kinds of task. */
export const BANK_OPTIONS: BankOptions = {
  kinds: { 'pattern-match': { contextNames: ['metric', 'points', 'candidates'] } },
  adaptation: { parameters: { 'pattern-match': PATTERN_MATCH } },
};

/** `seed` decides in which order changes are tried. */
export function bankPorts(newId: (now: number) => string, seed = 1): BankPorts {
  return { random: new SeededRandom(seed), newId };
}
