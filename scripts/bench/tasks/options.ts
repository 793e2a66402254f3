import { parseBenchOptions, type BenchOptions } from '../lib/options.js';

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

export type Options = BenchOptions<SectionName, Plan>;

export const FULL: Plan = {
  inFlight: 2000,
  warmUpMs: 5000,
  floodRounds: 3,
  floodMs: 5000,
  warmUpTasks: 1000,
  latencyRounds: 5,
  tasksPerRound: 600,
  recoveryTasks: 1_000_000,
};

export const SHORT: Plan = {
  inFlight: 2000,
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
  return parseBenchOptions(args, { sections: SECTIONS, full: FULL, short: SHORT, usage: USAGE });
}
