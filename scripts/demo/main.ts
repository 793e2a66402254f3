/**
 * `npm run demo`: a coordinator and an agent of each type as real processes, at work on market data. Features of the S&P 500,
 * a network trained on them, correlations of stocks, a forecast for each of the last trading days, and what the swarm learned.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/commands/exit.js';
import { onInterrupt } from '../../src/commands/interrupt.js';
import { startProgress } from '../../src/commands/output/progress.js';
import { correlate, reportCorrelations } from './correlations.js';
import { makeFeatures, reportFeatures } from './features.js';
import { reportForecasts } from './forecast-report.js';
import { DAYS, forecastAll, type Forecast } from './forecasts.js';
import { reportLearned } from './learned.js';
import { readPrices, type Prices } from './prices.js';
import { reportRoundTrips } from './round-trips.js';
import { readStocks } from './stocks.js';
import { withSwarm, type DemoSwarm } from './swarm.js';
import { reportTraining, train } from './training.js';
import type { Work } from './work.js';

process.exitCode = await runCommand(async () => {
  const interrupts = onInterrupt();
  say('starting a coordinator and one agent of each type: six processes');
  const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-demo-'));
  try {
    await withSwarm(directory, interrupts.signal, (swarm) => demo(swarm, interrupts.signal));
  } finally {
    await rm(directory, { recursive: true, force: true });
    interrupts.stop();
  }
});

async function demo(
  { client, address, coordinatorPid, agentIds }: DemoSwarm,
  signal: AbortSignal,
): Promise<void> {
  const work: Work = { client, signal };
  const [prices, stocks] = await Promise.all([readPrices(), readStocks()]);
  say(`coordinator at ${address} (pid ${coordinatorPid})`);
  say(`agents ${agentIds.join(', ')}`);
  say(
    `S&P 500, ${prices.dates[0] ?? ''} to ${prices.dates.at(-1) ?? ''}; ${stocks.symbols.join(', ')} by month\n`,
  );

  const features = await makeFeatures(work, prices);
  say(`${reportFeatures(features, prices)}\n`);
  say(`${reportTraining(await train(work, prices, features.result.columns))}\n`);
  say(`${reportCorrelations(await correlate(work, stocks), stocks)}\n`);

  say(`${await reportRoundTrips(work)}\n`);

  const started = performance.now();
  const forecasts = await forecastWithProgress(work, prices);
  say(`${reportForecasts(prices, forecasts, performance.now() - started)}\n`);
  say(reportLearned(await client.reasoning()));
}

async function forecastWithProgress(work: Work, prices: Prices): Promise<Forecast[]> {
  const progress = await startProgress({ label: 'forecasts', total: DAYS });
  try {
    return await forecastAll(work, prices, () => progress.advance());
  } finally {
    progress.stop();
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
