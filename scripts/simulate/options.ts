import { parseNumber } from '../lib/number-option.js';

/** What one run plays. */
export interface Options {
  readonly seed: number;
  readonly tasks: number;
  readonly hours: number;
  readonly json: boolean;
}

export const USAGE = `usage: npm run simulate -- [--seed N] [--tasks N] [--hours N] [--json]
  --seed   the same seed plays the same story (default 1)
  --tasks  how many are submitted (default 100000)
  --hours  simulated time in which they are, while faults strike (default 4)
  --json   one JSON document on standard output`;

/** Throws an Error whose message is fit for the user. */
export function parseOptions(args: readonly string[]): Options {
  let options: Options = { seed: 1, tasks: 100_000, hours: 4, json: false };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [name, given] = arg.split('=', 2);
    const number = (low: number, high: number) => parseNumber(arg, given ?? rest.shift() ?? '', low, high);
    if (arg === '--json') options = { ...options, json: true };
    else if (name === '--seed') options = { ...options, seed: Math.floor(number(0, 2 ** 32 - 1)) };
    else if (name === '--tasks') options = { ...options, tasks: Math.floor(number(1, 1e9)) };
    else if (name === '--hours') options = { ...options, hours: number(0.01, 10_000) };
    else throw new Error(`${arg}: no such option\n${USAGE}`);
  }
  return options;
}
