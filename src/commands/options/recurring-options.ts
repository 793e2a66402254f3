import { queryOptions } from './query-options.js';
import { required, type OptionTable, value } from './spec.js';
import { submitOptions } from './submit-options.js';
import { path, text } from './text.js';

/** Flags of `recurring add`. */
export const recurringOptions = {
  cron: required({
    placeholder: 'EXPRESSION',
    parse: text(128),
    help: 'when: minute hour day month weekday, such as "*/5 * * * *"; six parts begin with the second',
  }),
  timeZone: value({
    placeholder: 'ZONE',
    parse: text(64),
    default: 'UTC',
    help: 'in which the expression is meant, such as Europe/Berlin',
  }),
  input: required({
    placeholder: 'FILE',
    parse: path,
    help: 'the input of each task, JSON; - reads standard input',
  }),
  priority: submitOptions.priority,
  timeout: submitOptions.timeout,
  attempts: submitOptions.attempts,
  affinity: submitOptions.affinity,
  ...queryOptions,
} as const satisfies OptionTable;
