/** `npm run simulate`: hours of a swarm with random faults in virtual time, replayable from a seed. `--help` lists the options. */
import { performance } from 'node:perf_hooks';
import { parseOptions, USAGE, type Options } from './options.js';
import { report } from './report.js';
import { simulate, type Progress } from './simulation.js';

/** Its inner state is looked at this seldom, since a look takes as long as some hundred events. */
const CHECK_EVERY = 50_000;
const PROGRESS_MS = 10_000;

/** Sets the exit status: 0 all promises were kept, 1 one was broken, 2 wrong usage. */
function main(args: readonly string[]): void {
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
    return;
  }
  const startedAt = performance.now();
  try {
    const result = simulate({ ...options, checkEvery: CHECK_EVERY, onProgress: progressLines(startedAt) });
    const elapsedS = (performance.now() - startedAt) / 1000;
    const { seed, tasks, hours } = options;
    const text = options.json
      ? JSON.stringify({ seed, tasks, hours, elapsedS, lost: 0, ...result }, null, 2)
      : report(options, result, elapsedS);
    process.stdout.write(`${text}\n`);
  } catch (error) {
    const { seed, tasks, hours } = options;
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` +
        `replay with: npm run simulate -- --seed ${seed} --tasks ${tasks} --hours ${hours}\n`,
    );
    process.exitCode = 1;
  }
}

function progressLines(startedAt: number): (progress: Progress) => void {
  let saidAt = startedAt;
  return ({ simulatedMs, tasks, unfinished }) => {
    const now = performance.now();
    if (now - saidAt < PROGRESS_MS) return;
    saidAt = now;
    const mebibytes = (process.memoryUsage.rss() / 1024 ** 2).toFixed(0);
    process.stderr.write(
      `  ${(simulatedMs / 3_600_000).toFixed(2)} h, ${tasks} tasks, ${unfinished} unfinished, ${mebibytes} MiB, ${((now - startedAt) / 1000).toFixed(0)} s\n`,
    );
  };
}

main(process.argv.slice(2));
