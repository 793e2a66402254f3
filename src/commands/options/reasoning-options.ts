import { agentId } from './identity.js';
import { queryOptions } from './query-options.js';
import { optional, type OptionTable } from './spec.js';

export const reasoningOptions = {
  agent: optional({ placeholder: 'ID', parse: agentId, help: 'only what concerns this agent' }),
  ...queryOptions,
} as const satisfies OptionTable;
