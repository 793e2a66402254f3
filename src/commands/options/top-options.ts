import { duration } from './duration.js';
import { queryOptions } from './query-options.js';
import { type OptionTable, value } from './spec.js';

export const topOptions = {
  interval: value({
    placeholder: 'DURATION',
    parse: duration({ min: 100, max: 60_000 }),
    default: '1s',
    help: 'asks the coordinator this often',
  }),
  ...queryOptions,
} as const satisfies OptionTable;
