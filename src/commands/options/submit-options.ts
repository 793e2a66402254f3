import type { Command } from 'commander';
import { UsageError } from '../exit.js';
import { choice } from './choice.js';
import { connectOptions } from './connect-options.js';
import { duration } from './duration.js';
import { taskId } from './identity.js';
import { integer } from './integer.js';
import { loggingOptions } from './logging-options.js';
import { readOptions } from './options.js';
import { jsonOption } from './output-options.js';
import { flag, list, optional, type OptionTable, value, type Values } from './spec.js';
import { path, text } from './text.js';
import { traceparent } from './traceparent.js';
import { trustOptions } from './trust-options.js';

/** Ranges are those of SubmitTask. */
export const submitOptions = {
  input: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'the input of the task, JSON; - reads standard input',
  }),
  batch: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'tasks to submit, one JSON object a line with kind and input; - reads standard input',
  }),
  csv: optional({
    placeholder: 'FILE',
    parse: path,
    help: 'for pattern-match: a CSV file with a header; its last --window rows are compared with all before them',
  }),
  column: optional({ placeholder: 'NAME', parse: text(256), help: 'column of --csv' }),
  window: optional({
    placeholder: 'N',
    parse: integer(1, 1_000_000),
    numeric: true,
    help: 'length of the pattern of --csv, in rows',
  }),
  priority: value({
    placeholder: '0-10',
    parse: integer(0, 10),
    numeric: true,
    default: '5',
    help: '10 is dispatched first',
  }),
  /** null: as the coordinator says. */
  timeout: optional({
    placeholder: 'DURATION',
    parse: duration({ min: 1 }),
    help: "how long one attempt may run (default: the coordinator's --task-timeout)",
  }),
  attempts: value({
    placeholder: 'N',
    parse: integer(1, 1000),
    numeric: true,
    default: '3',
    help: 'attempts at most',
  }),
  delay: value({
    placeholder: 'DURATION',
    parse: duration(),
    default: '0ms',
    help: 'start not before this long from now',
  }),
  idempotencyKey: optional({
    placeholder: 'KEY',
    parse: text(256),
    help: 'the same key gives the same task',
  }),
  affinity: optional({ placeholder: 'KEY', parse: text(256), help: 'tasks of one key prefer one agent' }),
  after: list({
    placeholder: 'ID',
    parse: taskId,
    help: 'start when this task has completed; several times for several. {"$result": "ID"} in the input is its result',
  }),
  onFailedNeed: value({
    placeholder: 'fail|skip',
    parse: choice(['fail', 'skip']),
    default: 'fail',
    help: 'when a needed task ends without a result: end as failed, or as cancelled',
  }),
  traceparent: optional({
    placeholder: 'TRACEPARENT',
    parse: traceparent,
    help: 'the trace it belongs to, as in the header of W3C Trace Context',
  }),
  wait: flag({ help: 'wait for the task to end, and print its result' }),
  ...jsonOption,
  ...connectOptions,
  ...trustOptions,
  ...loggingOptions,
} as const satisfies OptionTable;

/** Where the input comes from: exactly one of three. */
export type InputSource =
  | { readonly from: 'input'; readonly path: string }
  | { readonly from: 'batch'; readonly path: string }
  | { readonly from: 'csv'; readonly path: string; readonly column: string; readonly window: number };

export type SubmitOptions = Values<typeof submitOptions> & { readonly source: InputSource };

/** Reads the flags of `submit` and checks those that depend on each other. */
export async function readSubmitOptions(
  command: Command,
  env: NodeJS.ProcessEnv = process.env,
): Promise<SubmitOptions> {
  const options = await readOptions(command, submitOptions, env);
  return { ...options, source: inputSource(options) };
}

function inputSource({ input, batch, csv, column, window }: Values<typeof submitOptions>): InputSource {
  const [first, second] = Object.entries({ input, batch, csv }).filter(([, path]) => path !== null);
  if (first === undefined)
    throw new UsageError('submit: no input: give --input FILE, --batch FILE or --csv FILE');
  if (second !== undefined)
    throw new UsageError(`--${second[0]}: does not go with --${first[0]}: give one of them`);
  if (csv === null) {
    if (column !== null) throw new UsageError('--column: goes with --csv FILE only');
    if (window !== null) throw new UsageError('--window: goes with --csv FILE only');
  }
  if (input !== null) return { from: 'input', path: input };
  if (batch !== null) return { from: 'batch', path: batch };
  if (column === null) throw new UsageError('--csv: needs --column NAME');
  if (window === null) throw new UsageError('--csv: needs --window N');
  return { from: 'csv', path: csv ?? '', column, window };
}
