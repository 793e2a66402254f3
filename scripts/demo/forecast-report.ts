import { formatTable } from '../../src/commands/output/table.js';
import { HORIZON, score, WINDOW, type Forecast } from './forecasts.js';
import type { Prices } from './prices.js';

/** What was forecast, and how it came. At least one forecast, in the order of days. */
export function reportForecasts(prices: Prices, forecasts: readonly Forecast[], elapsedMs: number): string {
  const last = forecasts.at(-1);
  const { judged, right, rose } = score(prices, forecasts);
  const rows = (last?.output.matches ?? []).map((match) => {
    const offset = 'offset' in match ? match.offset : 0;
    return [
      `${prices.dates[offset] ?? ''} to ${prices.dates[offset + WINDOW - 1] ?? ''}`,
      match.distance.toFixed(3),
      match.similarity.toFixed(3),
      match.outcome === null ? '-' : percent(match.outcome),
    ];
  });
  const table = formatTable(
    [
      { title: 'DAYS' },
      { title: 'DISTANCE', align: 'right' },
      { title: 'SIMILARITY', align: 'right' },
      { title: `${HORIZON} DAYS LATER`, align: 'right' },
    ],
    rows,
    null,
  );
  const expected = last?.output.expectedOutcome ?? null;
  const lastDate = prices.dates[last?.day ?? 0] ?? '';
  return [
    `Forecasts: days most like the ${WINDOW} up to ${lastDate} (time warping, z-normalised)`,
    ...table
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    `  expected over the next ${HORIZON} days: ${expected === null ? 'unknown' : percent(expected)}, confidence ${(last?.output.confidence ?? 0).toFixed(2)}`,
    `  direction right for ${right} of ${judged} days: ${percent(right / Math.max(1, judged))} (${percent(rose / Math.max(1, judged))} rose)`,
    `  ${forecasts.length} forecasts in ${(elapsedMs / 1000).toFixed(1)} s, ${((1000 * forecasts.length) / elapsedMs).toFixed(0)} tasks a second`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
