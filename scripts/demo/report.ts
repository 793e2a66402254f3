import { formatTable } from '../../src/commands/output/table.js';
import type { AgentSummary } from '../../src/protocol/messages.js';
import { HORIZON, WINDOW, type Forecast, type Score } from './forecasts.js';
import type { Prices } from './prices.js';

export interface DemoResults {
  readonly prices: Prices;
  /** In the order of days; at least one. */
  readonly forecasts: readonly Forecast[];
  readonly score: Score;
  readonly tasksPerSecond: number;
  readonly roundTrip: { readonly p50Ms: number; readonly p99Ms: number };
  readonly agents: readonly AgentSummary[];
}

/** What the demo found, as text for a terminal. */
export function report({ prices, forecasts, score, tasksPerSecond, roundTrip, agents }: DemoResults): string {
  const last = forecasts.at(-1);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const rows = (last?.output.matches ?? []).map((match) => {
    const offset = 'offset' in match ? match.offset : 0;
    return [
      `${prices.dates[offset] ?? ''} to ${prices.dates[offset + WINDOW - 1] ?? ''}`,
      match.distance.toFixed(3),
      match.similarity.toFixed(3),
      match.outcome === null ? '-' : percent(match.outcome),
    ];
  });
  const expected = last?.output.expectedOutcome;
  const lastDate = prices.dates[last?.day ?? 0] ?? '';
  return [
    '',
    `Days most like the ${WINDOW} up to ${lastDate} (dynamic time warping, z-normalised)`,
    formatTable(
      [
        { title: 'DAYS' },
        { title: 'DISTANCE', align: 'right' },
        { title: 'SIMILARITY', align: 'right' },
        { title: `${HORIZON} DAYS LATER`, align: 'right' },
      ],
      rows,
      null,
    ).trimEnd(),
    `expected over the next ${HORIZON} days: ${expected === null || expected === undefined ? 'unknown' : percent(expected)}, confidence ${(last?.output.confidence ?? 0).toFixed(2)}`,
    '',
    `direction right for ${score.right} of ${score.judged} days: ${percent(score.right / Math.max(1, score.judged))} (the price rose after ${percent(score.rose / Math.max(1, score.judged))} of them)`,
    `${forecasts.length} forecasts, ${tasksPerSecond.toFixed(0)} tasks a second by ${agents.length} agents (${agents.map((agent) => `${agent.agentId}: ${agent.completed}`).join(', ')})`,
    `round trip of a task, one at a time: p50 ${roundTrip.p50Ms.toFixed(2)} ms, p99 ${roundTrip.p99Ms.toFixed(2)} ms`,
  ].join('\n');
}
