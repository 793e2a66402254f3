/**
 * `npm run demo`: a coordinator and five agents as real processes, and a forecast for each of the last 500 trading
 * days of the S&P 500, each from all history before it.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, connectQuic } from '../../src/index.js';
import { startProgress } from '../../src/commands/output/progress.js';
import type { PatternMatchOutput } from '../../src/tasks/pattern-match/handler.js';
import { startAgent, startCoordinator, type Daemon } from '../lib/daemons.js';
import { percentile } from '../bench/lib/statistics.js';
import { forecastInput, score, type Forecast } from './forecasts.js';
import { readPrices, type Prices } from './prices.js';
import { report } from './report.js';

const AGENTS = 5;
const DAYS = 500;
/** Tasks under way at once: enough to keep every agent busy. */
const IN_FLIGHT = 40;
const ROUND_TRIPS = 500;

const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-demo-'));
const daemons: Daemon[] = [];
try {
  await demo();
} finally {
  for (const daemon of daemons.reverse()) await daemon.stop();
  await rm(directory, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const prices = await readPrices();
  say(
    `S&P 500: ${prices.dates.length} trading days, ${prices.dates[0] ?? ''} to ${prices.dates.at(-1) ?? ''}`,
  );
  const { daemon, address } = await startCoordinator(directory);
  daemons.push(daemon);
  say(`coordinator ready at ${address} (pid ${daemon.pid})`);
  const ids = Array.from({ length: AGENTS }, (_, i) => `agent-${i + 1}`);
  daemons.push(
    ...(await Promise.all(
      ids.map((id) => startAgent(directory, address, id, ['--type', 'pattern', '--concurrency', '2'])),
    )),
  );
  say(`${AGENTS} agents registered: ${ids.join(', ')}`);

  const connector = connectQuic({ tls: { ca: await readFile(join(directory, 'certs', 'ca.crt'), 'utf8') } });
  const client = await Client.connect({ addresses: [address], connector: (to) => connector.connect(to) });
  try {
    const started = performance.now();
    const forecasts = await forecastAll(client, prices);
    const elapsedMs = performance.now() - started;
    const roundTripsMs = await echo(client);
    say(
      report({
        prices,
        forecasts,
        score: score(prices, forecasts),
        tasksPerSecond: (forecasts.length / elapsedMs) * 1000,
        roundTrip: { p50Ms: percentile(roundTripsMs, 0.5), p99Ms: percentile(roundTripsMs, 0.99) },
        agents: await client.agents(),
      }),
    );
  } finally {
    client.close();
    await connector.close();
  }
}

/** Submits a pattern-match for each of the last DAYS days; IN_FLIGHT of them are under way at a time. */
async function forecastAll(client: Client, prices: Prices): Promise<Forecast[]> {
  const last = prices.closes.length - 1;
  const days = Array.from({ length: DAYS }, (_, i) => last - DAYS + 1 + i);
  const progress = await startProgress({ label: 'forecasts', total: DAYS });
  const forecasts: Forecast[] = [];
  const next = days.values();
  const work = async () => {
    for (const day of next) {
      const outcome = await client.run({ kind: 'pattern-match', input: forecastInput(prices, day) });
      if (outcome.state !== 'completed') {
        throw new Error(
          `the forecast for ${prices.dates[day] ?? ''} ended ${outcome.state}: ${String(outcome.error?.message)}`,
        );
      }
      forecasts.push({ day, output: outcome.result as PatternMatchOutput });
      progress.advance();
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  } finally {
    progress.stop();
  }
  return forecasts.sort((a, b) => a.day - b.day);
}

/** Round trips of a `compute echo`, one at a time: submit, dispatch, run, result. Sorted. */
async function echo(client: Client): Promise<Float64Array> {
  const times = new Float64Array(ROUND_TRIPS);
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const started = performance.now();
    await client.run({ kind: 'compute', input: { function: 'echo', input: i } });
    times[i] = performance.now() - started;
  }
  return times.sort();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
