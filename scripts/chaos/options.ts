import { parseNumber } from '../lib/number-option.js';

/** How long chaos reigns, and how fast. */
export interface Options {
  readonly seed: number;
  readonly json: boolean;
  readonly plan: Plan;
}

/** Times in milliseconds. */
export interface Plan {
  /** Tasks are submitted and faults strike for this long. */
  readonly runMs: number;
  readonly submitsPerSecond: number;
  /** Between the beginnings of two faults, at random from 0 to twice this. */
  readonly faultGapMs: number;
  /** The path is dark for this long. */
  readonly darkMs: number;
  /** Every task must be done this long after the last submit and the last fault. */
  readonly endMs: number;
}

const LONG: Omit<Plan, 'runMs'> = {
  submitsPerSecond: 60,
  faultGapMs: 4000,
  darkMs: 20_000,
  endMs: 120_000,
};

const SHORT: Plan = { runMs: 60_000, submitsPerSecond: 40, faultGapMs: 2000, darkMs: 6000, endMs: 60_000 };

export const USAGE = `usage: npm run chaos -- [--minutes N] [--seed N] [--short] [--json]
  --minutes  how long faults strike (default 5)
  --seed     chooses faults, victims and moments (default: at random; it is printed)
  --short    one minute with shorter faults, for continuous integration
  --json     one JSON document on standard output instead of tables`;

/** Throws an Error whose message is fit for the user. */
export function parseOptions(args: readonly string[], randomSeed: number): Options {
  let seed = randomSeed;
  let json = false;
  let short = false;
  let minutes = 5;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [name, given] = arg.split('=', 2);
    const number = (low: number, high: number) => parseNumber(arg, given ?? rest.shift() ?? '', low, high);
    if (arg === '--json') json = true;
    else if (arg === '--short') short = true;
    else if (name === '--minutes') minutes = number(0.1, 10_000);
    else if (name === '--seed') seed = Math.floor(number(0, 2 ** 32 - 1));
    else throw new Error(`${arg}: no such option\n${USAGE}`);
  }
  return { seed, json, plan: short ? SHORT : { ...LONG, runMs: minutes * 60_000 } };
}
