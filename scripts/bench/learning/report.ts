import { table } from '../lib/table.js';
import { targetTable, type Target } from '../lib/target.js';
import {
  type AdaptationResult,
  type Estimate,
  type ForecastErrors,
  POLICIES,
  type Results,
  type RoutingResult,
} from './results.js';

/** The results as tables for a terminal. */
export function report({ routing, adaptation }: Results, targets: readonly Target[]): string {
  const parts: string[] = [];
  if (routing !== undefined) parts.push(routingTable(routing));
  if (adaptation !== undefined) parts.push(adaptationTable(adaptation));
  if (targets.length > 0) parts.push(targetTable(targets));
  return parts.join('\n\n');
}

function routingTable({ swarms, tasks, policies, reduction, choiceMicroseconds }: RoutingResult): string {
  const rows = POLICIES.map((name) => {
    const { outcome, p95Ms, regret } = policies[name];
    return [name, outcome.toFixed(3), p95Ms.toFixed(0), regret.toFixed(4)];
  });
  return table([
    [`${swarms} swarms, ${tasks} tasks each`, 'mean outcome', 'p95 ms', 'regret/task'],
    ...rows,
    ['less regret than least-loaded', percent(reduction.leastLoaded)],
    ['less regret than round-robin', percent(reduction.roundRobin)],
    ['time of a choice, µs', choiceMicroseconds.toFixed(2)],
  ]);
}

function adaptationTable(result: AdaptationResult): string {
  const { from, to, forecasts, walks, fixed, noChange, cautious, bold } = result;
  const row = (name: string, { meanAbsolute, rootMeanSquare, direction }: ForecastErrors) => [
    name,
    meanAbsolute.toFixed(3),
    rootMeanSquare.toFixed(3),
    direction.toFixed(3),
  ];
  const changes = ({ changesTried, changesKept }: typeof bold) => `${changesKept} of ${changesTried}`;
  return table([
    [`S&P 500 ${from} to ${to}, ${forecasts} forecasts`, 'MAE, points', 'RMSE', 'right sign', 'changes kept'],
    row('expecting no change', noChange),
    row('fixed parameters', fixed),
    [...row('adapted, cautious', cautious), changes(cautious)],
    [...row('adapted, bold', bold), changes(bold)],
    [`MAE cautious - fixed, ${walks} walks`, interval(cautious.difference)],
    [`MAE bold - fixed, ${walks} walks`, interval(bold.difference)],
  ]);
}

function interval({ mean, low, high }: Estimate): string {
  return `${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
}

function percent({ mean, low, high }: Estimate): string {
  const show = (value: number) => (100 * value).toFixed(1);
  return `${show(mean)} % [${show(low)}, ${show(high)}]`;
}
