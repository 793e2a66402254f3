import { agentId } from './identity.js';
import { queryOptions } from './query-options.js';
import { optional, type OptionTable } from './spec.js';

export const logLevelOptions = {
  agent: optional({
    placeholder: 'ID',
    parse: agentId,
    help: 'the process of this agent instead of the coordinator; it must be connected',
  }),
  ...queryOptions,
} as const satisfies OptionTable;
