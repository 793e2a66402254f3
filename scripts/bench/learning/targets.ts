import { target, type Target } from '../lib/target.js';
import type { Results } from './results.js';

/** The targets of the sections that were measured. What adaptation does to forecasts is reported, not aimed at. */
export function judge({ routing }: Results): readonly Target[] {
  if (routing === undefined) return [];
  const { reduction, policies } = routing;
  return [
    target('regret less than least-loaded, share', reduction.leastLoaded.mean, 'at least', 0.25),
    target('the same, lower end of the interval', reduction.leastLoaded.low, 'at least', 0.25),
    target('regret less than round-robin, share', reduction.roundRobin.mean, 'at least', 0.25),
    target(
      'mean outcome / least-loaded',
      policies.learned.outcome / policies['least-loaded'].outcome,
      'at least',
      1,
    ),
    target(
      'p95 latency / least-loaded',
      policies.learned.p95Ms / policies['least-loaded'].p95Ms,
      'at most',
      1,
    ),
  ];
}
