import { queryOptions } from './query-options.js';
import { realNumber } from './real-number.js';
import { decidedFlag, optional, type OptionTable } from './spec.js';

export const outcomeOptions = {
  actual: optional({
    placeholder: 'X',
    parse: realNumber,
    numeric: true,
    help: 'what came of what the task forecast, in the unit of its expectedOutcome',
  }),
  value: optional({
    placeholder: 'V',
    parse: realNumber,
    numeric: true,
    help: 'what its result was worth: -1 (the worst) to 1 (the best)',
  }),
  success: decidedFlag({
    help: 'with --value: it counts as a success, or with --no-success as none',
    defaultText: 'a value over 0 is one',
  }),
  ...queryOptions,
} as const satisfies OptionTable;
