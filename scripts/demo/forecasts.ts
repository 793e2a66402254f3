import type { PatternMatchOutput } from '../../src/tasks/pattern-match/handler.js';
import type { Prices } from './prices.js';
import { have, type Work } from './work.js';

/** Trading days in a pattern, and days ahead whose outcome it forecasts. */
export const WINDOW = 20;
export const HORIZON = 5;
/** The last trading days, each of which gets a forecast. */
export const DAYS = 500;
/** Tasks under way at once: as many as the agent takes, and as many on their way. */
const IN_FLIGHT = 4;

export interface Forecast {
  readonly day: number;
  readonly taskId: string;
  readonly output: PatternMatchOutput;
}

/**
 * Forecasts the last days one after the other, each from what was known on it. What came of a forecast is reported on the day
 * on which that is known, so the swarm adapts as it would have done then. `advance` is called after each.
 */
export async function forecastAll(work: Work, prices: Prices, advance: () => void): Promise<Forecast[]> {
  const last = prices.closes.length - 1;
  const days = Array.from({ length: DAYS }, (_, i) => last - DAYS + 1 + i).values();
  const forecasts: Forecast[] = [];
  let waiting: Forecast[] = [];
  const reportUntil = async (day: number) => {
    const due = waiting.filter((forecast) => forecast.day + HORIZON <= day);
    waiting = waiting.filter((forecast) => forecast.day + HORIZON > day);
    for (const forecast of due) await report(work, prices, forecast);
  };
  const forecastNext = async () => {
    for (const day of days) {
      await reportUntil(day);
      const { taskId, result } = await have<PatternMatchOutput>(work, {
        kind: 'pattern-match',
        input: forecastInput(prices, day),
      });
      const forecast = { day, taskId, output: result };
      forecasts.push(forecast);
      waiting.push(forecast);
      advance();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, forecastNext));
  await reportUntil(last);
  return forecasts.sort((a, b) => a.day - b.day);
}

/** The `WINDOW` days up to and with `day`, against all history before them. Parameters that it leaves out are the agent's. */
export function forecastInput({ closes }: Prices, day: number) {
  const start = day - WINDOW + 1;
  return {
    current: closes.subarray(start, day + 1),
    series: closes.subarray(0, start),
    metric: 'dtw',
    normalize: true,
    horizon: HORIZON,
  };
}

async function report(
  { client }: Work,
  { closes }: Prices,
  { day, taskId, output }: Forecast,
): Promise<void> {
  const [before, after] = [closes[day], closes[day + HORIZON]];
  if (before === undefined || after === undefined || output.expectedOutcome === null) return;
  await client.reportOutcome(taskId, { actual: after / before - 1 });
}

export interface Score {
  /** Forecasts whose future is in the data. */
  readonly judged: number;
  /** Those that had the direction right. */
  readonly right: number;
  /** Days after which the price rose: what always saying "up" would have got right. */
  readonly rose: number;
}

/** Compares forecast directions with what happened. */
export function score({ closes }: Prices, forecasts: readonly Forecast[]): Score {
  let judged = 0;
  let right = 0;
  let rose = 0;
  for (const { day, output } of forecasts) {
    const before = closes[day];
    const after = closes[day + HORIZON];
    if (before === undefined || after === undefined || output.expectedOutcome === null) continue;
    judged++;
    if (after > before) rose++;
    if (Math.sign(output.expectedOutcome) === Math.sign(after - before)) right++;
  }
  return { judged, right, rose };
}
