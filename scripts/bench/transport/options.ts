export const SECTIONS = ['echo', 'stream', 'streams1000', 'connect', 'submit'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** How much each section measures. */
export interface Plan {
  readonly warmUpMessages: number;
  readonly echoRounds: number;
  readonly echoesPerRound: number;
  readonly streamRounds: number;
  readonly streamMs: number;
  readonly manyStreamsRounds: number;
  readonly manyStreamsMs: number;
  readonly connects: number;
  readonly submits: number;
}

export interface Options {
  readonly json: boolean;
  /** Exit with 1 when a target is missed. */
  readonly check: boolean;
  readonly only: readonly SectionName[];
  readonly plan: Plan;
}

export const FULL: Plan = {
  warmUpMessages: 10_000,
  echoRounds: 10,
  echoesPerRound: 1000,
  streamRounds: 5,
  streamMs: 1000,
  manyStreamsRounds: 3,
  manyStreamsMs: 2000,
  connects: 15,
  submits: 3000,
};

export const SHORT: Plan = {
  warmUpMessages: 1500,
  echoRounds: 4,
  echoesPerRound: 500,
  streamRounds: 3,
  streamMs: 300,
  manyStreamsRounds: 1,
  manyStreamsMs: 1000,
  connects: 5,
  submits: 500,
};

export const USAGE = `usage: npm run bench:transport -- [--json] [--short] [--check] [--only ${SECTIONS.join(',')}]
  --json   one JSON document on standard output instead of tables
  --short  fewer rounds, for continuous integration
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
