import { parseBenchOptions, type BenchOptions } from '../lib/options.js';

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

export type Options = BenchOptions<SectionName, Plan>;

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
  warmUpMessages: 6000,
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
  return parseBenchOptions(args, { sections: SECTIONS, full: FULL, short: SHORT, usage: USAGE });
}
