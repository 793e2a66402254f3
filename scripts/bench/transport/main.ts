/** `npm run bench:transport`: this transport beside its peers, in one run. `--help` lists the options. */
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

/** Sets the exit status: 0 measured, 1 could not measure or (with `--check`) a target was missed, 2 wrong usage. */
async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    const results = await measure(options);
    const targets = judge(results);
    const text = options.json ? JSON.stringify({ ...results, targets }, null, 2) : report(results, targets);
    process.stdout.write(`${text}\n`);
    if (options.check && targets.some(({ met }) => !met)) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    // Something may still be open; after a success nothing may, and the process ends by itself.
    process.exit(1);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

await main(process.argv.slice(2));
