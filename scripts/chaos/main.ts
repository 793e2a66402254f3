/** `npm run chaos`: real processes under random faults; afterwards everything must be there, once. `--help` lists the options. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { MemorySampler } from '../lib/memory.js';
import { Luck } from '../simulate/luck.js';
import { letChaosReign } from './faults.js';
import { Load } from './load.js';
import { parseOptions, USAGE, type Options } from './options.js';
import { report, type ChaosResult } from './report.js';
import { Cleanup, startSwarm } from './swarm.js';
import { verify } from './verify.js';

/** Resident memory at the end, when all tasks are done: far above what a daemon at rest takes, far below a leak of hours. */
const MOST_MEBIBYTES = { coordinator: 512, agent: 384 };

async function play({ seed, plan }: Options, cleanup: Cleanup, signal: AbortSignal): Promise<ChaosResult> {
  const luck = new Luck(seed);
  const swarm = await startSwarm(seed, cleanup);
  const { coordinator, agents, client } = swarm;
  const daemons = [coordinator, ...agents];
  await Promise.all(
    daemons.map(({ daemon, name }) => daemon.line(name === 'coordinator' ? 'ready' : 'registered')),
  );
  const memory = new MemorySampler(() => daemons.map(({ name, daemon: { pid } }) => ({ name, pid })));
  cleanup.add(() => memory.stop());

  process.stderr.write(`seed ${seed}: chaos for ${(plan.runMs / 60_000).toFixed(1)} minutes\n`);
  const load = new Load(client, seed, luck.fork());
  const [faults] = await Promise.all([
    letChaosReign(swarm, plan, luck.fork(), signal),
    load.run(plan.submitsPerSecond, plan.runMs, signal),
  ]);
  process.stderr.write(`  all mended; ${load.unfinished} tasks are still on their way\n`);
  const loaded = await load.finish(plan.endMs, signal);
  memory.stop();
  await swarm.stop();
  const database = join(swarm.dataDirectory, 'swarm.sqlite');
  const verdict = await verify(seed, loaded, database, swarm.executionsDirectory);

  const problems = [...loaded.problems, ...verdict.problems];
  if (loaded.unfinished.length > 0) {
    const some = loaded.unfinished.slice(0, 10).join(', ');
    problems.push(`${loaded.unfinished.length} tasks have no result: ${some}`);
  }
  for (const [name, { lastMiB }] of memory.use) {
    const most = name === 'coordinator' ? MOST_MEBIBYTES.coordinator : MOST_MEBIBYTES.agent;
    if (lastMiB > most)
      problems.push(`${name} has ${lastMiB.toFixed(0)} MiB at the end; ${most} are allowed`);
  }
  return {
    seed,
    minutes: plan.runMs / 60_000,
    faults,
    submitted: loaded.submitted,
    acknowledged: loaded.acknowledged.size,
    completed: loaded.completed,
    lost: verdict.lost,
    wrong: verdict.wrong,
    endedTwice: verdict.endedTwice,
    hanging: loaded.unfinished.length,
    executions: verdict.executions,
    ranTwice: verdict.ranTwice,
    repeated: loaded.repeated,
    longestS: loaded.longestMs / 1000,
    unexpectedEnds: daemons.reduce((sum, daemon) => sum + daemon.unexpectedEnds, 0),
    memory: Object.fromEntries(memory.use),
    problems,
  };
}

/** Sets the exit status: 0 nothing was lost, 1 something was, or it could not be played, 2 wrong usage, 130 interrupted. */
async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  let options: Options;
  try {
    options = parseOptions(args, randomInt(2 ** 32));
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 2;
    return;
  }
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());
  const cleanup = new Cleanup();
  try {
    const result = await play(options, cleanup, interrupt.signal);
    process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : report(result)}\n`);
    process.exitCode = result.problems.length > 0 ? 1 : 0;
  } catch (error) {
    process.stderr.write(`error: ${interrupt.signal.aborted ? 'interrupted' : messageOf(error)}\n`);
    process.exitCode = 1;
  } finally {
    await cleanup.run();
  }
  // A fault may still wait to be mended, on what is there no more.
  if (interrupt.signal.aborted) process.exit(130);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

await main(process.argv.slice(2));
