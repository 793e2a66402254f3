import { target, type Target } from '../lib/target.js';
import type { Results } from './results.js';

const GIBIBYTE = 1024 ** 3;

/** The targets of the sections that were measured. */
export function judge({ tasks, recovery }: Results): readonly Target[] {
  return [
    ...(tasks === undefined
      ? []
      : [
          target('durable tasks/s', tasks.quicSwarm.perSecond, 'at least', 30_000),
          target('one at a time p50, ms', tasks.quicSwarm.p50Ms, 'below', 1),
          target('one at a time p99, ms', tasks.quicSwarm.p99Ms, 'below', 4),
          target('event-loop delay p99, ms', tasks.quicSwarm.eventLoopDelay.p99Ms, 'below', 10),
        ]),
    ...(recovery === undefined
      ? []
      : [
          target('restart to first dispatch, s', recovery.firstDispatchS, 'at most', 10),
          target('resident memory, GiB', recovery.residentBytes / GIBIBYTE, 'below', 1),
        ]),
  ];
}
