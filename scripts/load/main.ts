import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, connectQuic } from '../../src/index.js';
import { GrowthWatch } from './growth.js';
import { parseLoadOptions, type LoadOptions } from './options.js';
import { runOpenLoop } from './open-loop.js';
import { sampleProcess } from './processes.js';
import { printReport, type LoadReport } from './report.js';

const POLL_MS = 50;

/** Drives a swarm that `load-test.sh` has started, and reports what that took. Exits with 1 when anything failed. */
async function main(options: LoadOptions): Promise<boolean> {
  const connector = connectQuic({ tls: { ca: await readFile(options.ca, 'utf8') } });
  try {
    const client = await Client.connect({
      addresses: [options.address],
      connector: (to) => connector.connect(to),
      maxUnacknowledged: 4096,
    });
    try {
      return await drive(client, options);
    } finally {
      client.close();
    }
  } finally {
    await connector.close();
  }
}

async function drive(client: Client, options: LoadOptions): Promise<boolean> {
  const registeredMs = await untilRegistered(client, options);
  const sample = () => options.processes.map(sampleProcess);
  const registered = sample();
  await sleep(options.idleMs);
  const before = sample();
  const watch = options.maxGrowth === null ? null : new GrowthWatch(options.processes);
  const load = await runOpenLoop({
    ratePerSecond: options.ratePerSecond,
    requests: options.tasks,
    durationMs: options.durationMs,
    request: async () => {
      const { state } = await client.run({ kind: 'compute', input: { function: 'echo', input: 1 } });
      if (state !== 'completed') throw new Error(`the task ended ${state}`);
    },
  });
  const after = sample();
  const growth = watch?.stop(options.maxGrowth ?? 0) ?? [];
  const agentsAfter = await countAgents(client);
  const seconds = load.elapsedMs / 1000;
  const percentile = (share: number) => load.latency.getValueAtPercentile(share) / 1000;
  const report: LoadReport = {
    agents: options.agents,
    agentsRegisteredMs: registeredMs,
    agentsAtTheEnd: agentsAfter,
    tasks: load.completed + load.failed,
    completed: load.completed,
    failed: load.failed,
    errors: Object.fromEntries(load.errors),
    growth,
    seconds,
    targetPerSecond: options.ratePerSecond,
    throughputPerSecond: load.completed / seconds,
    latencyMs: {
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
      max: load.latency.maxValue / 1000,
    },
    coordinatorBytesPerIdleAgent: Math.round(
      ((before[0]?.residentBytes ?? 0) - options.baselineBytes) / options.agents,
    ),
    processes: options.processes.map(({ name, pid }, index) => {
      const [idle, from, to] = [registered[index], before[index], after[index]];
      const cores = (until?: number, since?: number, ms = 0) =>
        ms === 0 ? null : ((until ?? 0) - (since ?? 0)) / (ms / 1000);
      return {
        name,
        pid,
        idleCores: cores(from?.cpuSeconds, idle?.cpuSeconds, options.idleMs),
        loadCores: cores(to?.cpuSeconds, from?.cpuSeconds, load.elapsedMs),
        cpuSeconds: to?.cpuSeconds ?? 0,
        idleBytes: from?.residentBytes ?? 0,
        residentBytes: to?.residentBytes ?? 0,
        peakBytes: to?.peakBytes ?? 0,
        handles: to?.handles ?? 0,
      };
    }),
  };
  printReport(report, options.json);
  return load.failed === 0 && growth.length === 0 && agentsAfter === options.agents;
}

/** Milliseconds from the start of the agents' processes until the coordinator knows all of them. */
async function untilRegistered(client: Client, options: LoadOptions): Promise<number> {
  for (;;) {
    const known = await countAgents(client);
    const passedMs = Date.now() - options.startedAt;
    if (known >= options.agents) return passedMs;
    if (passedMs > options.registerWithinMs)
      throw new Error(`${known} of ${options.agents} agents are registered after ${passedMs} ms`);
    options.processes.forEach(sampleProcess);
    await sleep(POLL_MS);
  }
}

async function countAgents(client: Client): Promise<number> {
  const { agents } = await client.status();
  return Object.values(agents).reduce((sum, count) => sum + count, 0);
}

try {
  const ok = await main(parseLoadOptions(process.argv.slice(2)));
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
