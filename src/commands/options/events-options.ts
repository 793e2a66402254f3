import { agentId, taskId, taskKind } from './identity.js';
import { queryOptions } from './query-options.js';
import { flag, optional, type OptionTable } from './spec.js';

/** Of which events `events` tells. */
export const eventsOptions = {
  follow: flag({
    help: 'tell what happens from now on, until Ctrl-C; without it the latest events, at most 512',
  }),
  kind: optional({ placeholder: 'KIND', parse: taskKind, help: 'only events of tasks of this kind' }),
  task: optional({ placeholder: 'ID', parse: taskId, help: 'only events of this task' }),
  agent: optional({ placeholder: 'ID', parse: agentId, help: 'only events of this agent and its tasks' }),
  ...queryOptions,
} as const satisfies OptionTable;
