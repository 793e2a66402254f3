import { parseSections, type BenchOptions } from '../lib/options.js';

export const SECTIONS = ['routing', 'adaptation'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** How much each section measures. */
export interface Plan {
  /** Swarms simulated, each with its own seed. */
  readonly swarms: number;
  readonly tasks: number;
  /** First day of the walks, as YYYY-MM-DD. */
  readonly from: string;
  /** Walks with adaptation: each searches in another order. */
  readonly walks: number;
}

export interface Options extends BenchOptions<SectionName, Plan> {
  readonly seed: number;
}

export const FULL: Plan = { swarms: 20, tasks: 2_000, from: '2010-01-01', walks: 10 };
export const SHORT: Plan = { swarms: 5, tasks: 2_000, from: '2018-01-01', walks: 3 };

export const USAGE = `usage: npm run bench:learning -- [--json] [--short] [--check] [--seed N] [--only ${SECTIONS.join(',')}]
  --json    one JSON document on standard output instead of tables
  --short   fewer swarms and a shorter walk, for continuous integration
  --check   exit status 1 when a target is missed
  --seed N  an integer; the same seed gives the same figures, but for times (default 1)
  --only    these sections (comma-separated), not all
routing: six simulated agents, two slow and one often wrong, 2,000 tasks; learned routing against others
adaptation: forecasts of the S&P 500, 2010 to 2020, with parameters adapted on the way against the same without`;

/** Throws an Error whose message is fit for the user. */
export function parseOptions(args: readonly string[]): Options {
  let json = false;
  let check = false;
  let seed = 1;
  let plan = FULL;
  let only: readonly SectionName[] = SECTIONS;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [name, given] = splitOnce(arg);
    const value = () => given ?? rest.shift() ?? '';
    if (arg === '--json') json = true;
    else if (arg === '--check') check = true;
    else if (arg === '--short') plan = SHORT;
    else if (name === '--seed') seed = parseSeed(value());
    else if (name === '--only') only = parseSections(value(), SECTIONS);
    else throw new Error(`${arg}: no such option\n${USAGE}`);
  }
  return { json, check, seed, only, plan };
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf('=');
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (text === '' || !Number.isSafeInteger(seed)) throw new Error(`--seed: '${text}' is not an integer`);
  return seed;
}
