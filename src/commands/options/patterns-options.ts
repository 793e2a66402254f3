import { MAX_PATTERN_POINTS, MAX_SIMILAR } from '../../protocol/limits.js';
import { taskId } from './identity.js';
import { integer } from './integer.js';
import { queryOptions } from './query-options.js';
import { optional, type OptionTable, value } from './spec.js';
import { path, text } from './text.js';

export const patternsOptions = {
  input: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'a JSON list of numbers to find similar patterns to; - reads standard input',
  }),
  csv: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'or a CSV file with a header: its last --window rows of --column',
  }),
  column: optional({ placeholder: 'NAME', parse: text(256), help: 'column of --csv' }),
  window: optional({
    placeholder: 'N',
    parse: integer(2, MAX_PATTERN_POINTS),
    numeric: true,
    help: 'rows of --csv',
  }),
  task: optional({ placeholder: 'ID', parse: taskId, help: 'or a task: patterns similar to its own' }),
  limit: value({
    placeholder: 'N',
    parse: integer(1, MAX_SIMILAR),
    numeric: true,
    default: '10',
    help: 'patterns shown at most',
  }),
  ...queryOptions,
} as const satisfies OptionTable;
