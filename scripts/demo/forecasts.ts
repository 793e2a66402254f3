import type { PatternMatchOutput } from '../../src/tasks/pattern-match/handler.js';
import type { Prices } from './prices.js';

/** Trading days in a pattern, and days ahead whose outcome it forecasts. */
export const WINDOW = 20;
export const HORIZON = 5;

/** The input of `pattern-match` for the `WINDOW` days up to and with `day`, against all history before them. */
export function forecastInput(prices: Prices, day: number) {
  const start = day - WINDOW + 1;
  return {
    current: prices.closes.subarray(start, day + 1),
    series: prices.closes.subarray(0, start),
    metric: 'dtw',
    k: 5,
    window: 3,
    normalize: true,
    horizon: HORIZON,
  };
}

export interface Forecast {
  readonly day: number;
  readonly output: PatternMatchOutput;
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
export function score(prices: Prices, forecasts: readonly Forecast[]): Score {
  let judged = 0;
  let right = 0;
  let rose = 0;
  for (const { day, output } of forecasts) {
    const before = prices.closes[day];
    const after = prices.closes[day + HORIZON];
    if (before === undefined || after === undefined || output.expectedOutcome === null) continue;
    judged++;
    if (after > before) rose++;
    if (Math.sign(output.expectedOutcome) === Math.sign(after - before)) right++;
  }
  return { judged, right, rose };
}
