import { TASK_STATES } from '../../protocol/messages.js';
import { choice } from './choice.js';
import { taskKind } from './identity.js';
import { integer } from './integer.js';
import { queryOptions } from './query-options.js';
import { optional, type OptionTable, value } from './spec.js';
import { text } from './text.js';

/** Which tasks `tasks` lists. */
export const tasksOptions = {
  state: optional({
    placeholder: 'STATE',
    parse: choice(TASK_STATES),
    help: `only tasks in this state: ${TASK_STATES.join(', ')}`,
  }),
  kind: optional({ placeholder: 'KIND', parse: taskKind, help: 'only tasks of this kind' }),
  limit: value({
    placeholder: 'N',
    parse: integer(1, 100_000),
    numeric: true,
    default: '100',
    help: 'at most so many, the newest first',
  }),
  before: optional({
    placeholder: 'ID',
    parse: text(64),
    help: 'only tasks submitted before this one: the last of the page before',
  }),
  ...queryOptions,
} as const satisfies OptionTable;
