export const SECTIONS = ['tasks', 'recovery'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** How much each section measures. */
export interface Plan {
  /** Tasks under way at once. */
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly floodRounds: number;
  readonly floodMs: number;
  readonly warmUpTasks: number;
  readonly latencyRounds: number;
  readonly tasksPerRound: number;
  readonly recoveryTasks: number;
}

export interface Options {
  readonly json: boolean;
  /** Exit with 1 when a target is missed. */
  readonly check: boolean;
  readonly only: readonly SectionName[];
  readonly plan: Plan;
}

export const FULL: Plan = {
  inFlight: 4000,
  warmUpMs: 5000,
  floodRounds: 3,
  floodMs: 5000,
  warmUpTasks: 1000,
  latencyRounds: 5,
  tasksPerRound: 600,
  recoveryTasks: 1_000_000,
};

export const SHORT: Plan = {
  inFlight: 4000,
  warmUpMs: 2000,
  floodRounds: 1,
  floodMs: 2000,
  warmUpTasks: 500,
  latencyRounds: 2,
  tasksPerRound: 300,
  recoveryTasks: 100_000,
};

export const USAGE = `usage: npm run bench:tasks -- [--json] [--short] [--check] [--only ${SECTIONS.join(',')}]
  --json   one JSON document on standard output instead of tables
  --short  fewer rounds and tasks, for continuous integration
  --check  exit status 1 when a target is missed
  --only   these sections (comma-separated), not all`;

/** Throws an Error whose message is fit for the user. */
export function parseOptions(args: readonly string[]): Options {
  let json = false;
  let check = false;
  let plan = FULL;
  let only: readonly SectionName[] = SECTIONS;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--json') json = true;
    else if (arg === '--check') check = true;
    else if (arg === '--short') plan = SHORT;
    else if (arg === '--only') only = parseSections(rest.shift() ?? '');
    else if (arg.startsWith('--only=')) only = parseSections(arg.slice('--only='.length));
    else throw new Error(`${arg}: no such option\n${USAGE}`);
  }
  return { json, check, only, plan };
}

function parseSections(list: string): readonly SectionName[] {
  return list.split(',').map((name) => {
    const section = SECTIONS.find((known) => known === name);
    if (section === undefined) throw new Error(`--only: '${name}' is not one of ${SECTIONS.join(', ')}`);
    return section;
  });
}
