import { duration } from './duration.js';
import { queryOptions } from './query-options.js';
import { optional, type OptionTable } from './spec.js';

/** Flags of `drain`. */
export const drainOptions = {
  timeout: optional({
    placeholder: 'DURATION',
    parse: duration(),
    help: "how long running tasks may take to end (default: the coordinator's --drain-timeout)",
  }),
  ...queryOptions,
} as const satisfies OptionTable;
