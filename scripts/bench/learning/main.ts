/** `npm run bench:learning`: whether the swarm learns, in figures. `--help` lists the options. */
import { runBenchmark } from '../lib/command.js';
import { type Options, parseOptions, USAGE } from './options.js';
import { report } from './report.js';
import type { Results } from './results.js';
import { measureRouting } from './routing.js';
import { judge } from './targets.js';
import { measureAdaptation } from './walk-forward.js';

async function measure({ only, seed, plan }: Options): Promise<Results> {
  let results: Results = { seed };
  for (const name of only) {
    process.stderr.write(`measuring ${name}\n`);
    if (name === 'routing') results = { ...results, routing: measureRouting(seed, plan) };
    else results = { ...results, adaptation: await measureAdaptation(seed, plan) };
  }
  return results;
}

await runBenchmark({ usage: USAGE, parse: parseOptions, measure, judge, report }, process.argv.slice(2));
