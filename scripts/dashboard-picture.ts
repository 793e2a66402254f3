/**
 * `npm run docs:picture`: the pictures of the dashboard in docs/images, dark and light, from a swarm of real processes that
 * works: forecasts that are judged, two kinds of task that fail, one that waits. Needs Chromium (`CHROMIUM`, or /usr/bin/chromium).
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { Client, connectQuic } from '../src/index.js';
import { PACKAGE_ROOT, startAgent, startCoordinator, type Daemon } from './lib/daemons.js';
import { forecastInput, HORIZON } from './demo/forecasts.js';
import { readPrices, type Prices } from './demo/prices.js';

const AGENTS = ['pattern', 'pattern', 'strategy', 'feature', 'neural', 'worker'];
/** How long it works before the picture is taken: the charts are then full. */
const WORK_MS = 180_000;
const IN_FLIGHT = 4;
const WINDOW = { width: 1280, height: 1130 };

const directory = await mkdtemp(join(tmpdir(), 'quic-swarm-picture-'));
const daemons: Daemon[] = [];
try {
  await takePictures();
} finally {
  for (const daemon of daemons.reverse()) await daemon.stop();
  await rm(directory, { recursive: true, force: true });
}

async function takePictures(): Promise<void> {
  const { daemon, address } = await startCoordinator(directory, ['--http', '127.0.0.1:0']);
  daemons.push(daemon);
  const page = String((await daemon.line('ready'))['http']);
  for (const [index, type] of AGENTS.entries())
    daemons.push(
      await startAgent(directory, address, `${type}-${index + 1}`, ['--type', type, '--concurrency', '2']),
    );
  const connector = connectQuic({ tls: { ca: await readFile(join(directory, 'certs', 'ca.crt'), 'utf8') } });
  const client = await Client.connect({ addresses: [address], connector: (to) => connector.connect(to) });
  const end = new AbortController();
  const working = work(client, end.signal);
  try {
    await Promise.race([photograph(`http://${page}/`), working]);
  } finally {
    end.abort();
    await working;
    client.close();
    await connector.close();
  }
}

/** The page sees all the work: it is opened before it, and photographed in the middle of it. */
async function photograph(url: string): Promise<void> {
  const images = join(PACKAGE_ROOT, 'docs', 'images');
  await mkdir(images, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage({ viewport: WINDOW, colorScheme: 'dark' });
    await page.goto(url);
    await page.waitForTimeout(WORK_MS);
    await page.screenshot({ path: join(images, 'dashboard.png') });
    await page.emulateMedia({ colorScheme: 'light' });
    // the charts are drawn anew with the next figures
    await page.waitForTimeout(3000);
    await page.screenshot({ path: join(images, 'dashboard-light.png') });
  } finally {
    await browser.close();
  }
}

async function work(client: Client, end: AbortSignal): Promise<void> {
  const prices = await readPrices();
  const { length } = prices.closes;
  const first = length - 1 - HORIZON - 4000;
  let day = first;
  const forecasting = async () => {
    while (!end.aborted) {
      // all over again when the prices end
      day = day < length - 1 - HORIZON ? day + 1 : first;
      await forecast(client, prices, day);
      await pause(50 + (day % 7) * 20);
    }
  };
  const others = async () => {
    for (let round = 0; !end.aborted; round++) await otherWork(client, prices, round % 400);
  };
  await client.submit({ kind: 'compute', input: { function: 'no-such-function', input: null } });
  await client.submit({
    kind: 'compute',
    input: { function: 'echo', input: 'tomorrow' },
    delayMs: 86_400_000,
  });
  await Promise.all([training(client), others(), ...Array.from({ length: IN_FLIGHT }, forecasting)]);
}

/** One that does not end within its timeout, and some that wait because their kind is paused. */
async function training(client: Client): Promise<void> {
  const task = { kind: 'neural-training', input: longTraining() } as const;
  await client.run({ ...task, timeoutMs: 4_000, attempts: 1 });
  await client.pause('neural-training');
  for (let i = 0; i < 3; i++) await client.submit(task);
}

/** A forecast, and what came of it. */
async function forecast(client: Client, prices: Prices, day: number): Promise<void> {
  const { taskId, result } = await client.run({ kind: 'pattern-match', input: forecastInput(prices, day) });
  const { expectedOutcome } = result as { readonly expectedOutcome: number | null };
  const [then, later] = [prices.closes[day], prices.closes[day + HORIZON]];
  if (expectedOutcome === null || then === undefined || later === undefined) return;
  await client.reportOutcome(taskId, { actual: (later - then) / then });
}

async function otherWork(client: Client, { closes }: Prices, round: number): Promise<void> {
  const close = closes.subarray(round * 10, round * 10 + 500);
  const features = [
    { name: 'ema', period: 20 },
    { name: 'bollinger', period: 20, deviations: 2 },
  ];
  await client.run({
    kind: 'feature-engineering',
    input: { ohlcv: { open: close, high: close, low: close, close, volume: close }, features },
  });
  const strategies = [close, closes.subarray(1000, 1500), closes.subarray(2000, 2500)];
  await client.run({
    kind: 'strategy-correlation',
    input: { strategyIds: ['momentum', 'value', 'carry'], strategies, methods: ['pearson', 'kendall'] },
  });
  await client.run({ kind: 'compute', input: { function: 'sleep', input: { ms: 150 } } });
}

function longTraining(): object {
  return {
    model: { inputs: 1, layers: [{ units: 1, activation: 'tanh' }], loss: 'mse' },
    optimizer: { name: 'sgd', learningRate: 0.01 },
    samples: [[0], [1]],
    labels: [[0], [1]],
    epochs: 100_000,
    batchSize: 1,
  };
}
