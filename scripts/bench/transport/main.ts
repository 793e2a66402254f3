/** `npm run bench:transport`: this transport beside its peers, in one run. `--help` lists the options. */
import { runBenchmark } from '../lib/command.js';
import { makeTlsMaterial } from './certificate.js';
import { measureConnect } from './connect.js';
import type { Section } from './context.js';
import { measureEcho } from './echo.js';
import { measureManyStreams } from './many-streams.js';
import { type Options, parseOptions, type SectionName, USAGE } from './options.js';
import { report } from './report.js';
import type { Results } from './results.js';
import { Servers } from './servers.js';
import { measureStream } from './stream.js';
import { measureSubmit } from './submit.js';
import { judge } from './targets.js';

const sections: Record<SectionName, Section> = {
  echo: measureEcho,
  stream: measureStream,
  streams1000: measureManyStreams,
  connect: measureConnect,
  submit: measureSubmit,
};

async function measure({ only, plan }: Options): Promise<Results> {
  const tls = await makeTlsMaterial(new Date());
  const servers = new Servers(tls);
  let results: Results = {};
  try {
    for (const name of only) {
      process.stderr.write(`measuring ${name}\n`);
      results = { ...results, ...(await sections[name]({ plan, tls, servers })) };
    }
  } finally {
    await servers.stop();
  }
  return results;
}

await runBenchmark({ usage: USAGE, parse: parseOptions, measure, judge, report }, process.argv.slice(2));
