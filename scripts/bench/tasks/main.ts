/** `npm run bench:tasks`: durable tasks from submit to stored result, beside other queues. `--help` lists the options. */
import { runBenchmark } from '../lib/command.js';
import { parseOptions, USAGE, type Options, type SectionName } from './options.js';
import { measureRecovery } from './recovery.js';
import { report } from './report.js';
import type { Results } from './results.js';
import { judge } from './targets.js';
import { measureTasks } from './throughput.js';

const sections: Record<SectionName, (plan: Options['plan']) => Promise<Results>> = {
  tasks: async (plan) => ({ tasks: await measureTasks(plan) }),
  recovery: async (plan) => ({ recovery: await measureRecovery(plan) }),
};

async function measure({ only, plan }: Options): Promise<Results> {
  let results: Results = {};
  for (const name of only) {
    process.stderr.write(`measuring ${name}\n`);
    results = { ...results, ...(await sections[name](plan)) };
  }
  return results;
}

await runBenchmark({ usage: USAGE, parse: parseOptions, measure, judge, report }, process.argv.slice(2));
