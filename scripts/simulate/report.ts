import { table } from '../bench/lib/table.js';
import { FAULTS } from './faults.js';
import type { Options } from './options.js';
import type { SimulationResult } from './simulation.js';

/** What was played and what came of it, for a terminal. */
export function report({ seed }: Options, result: SimulationResult, elapsedS: number): string {
  const { tally, faults, clients, coordinator, agents } = result;
  const { stored, acknowledged, completed, failed, dead, cancelled } = tally;
  const rows = (entries: Readonly<Record<string, number>>) =>
    Object.entries(entries).map(([name, count]) => [words(name), String(count)]);
  return [
    table([['fault', 'times'], ...FAULTS.map((fault) => [fault, String(faults[fault])])]),
    table([['tasks', ''], ...rows({ acknowledged, stored, completed, failed, dead, cancelled, lost: 0 })]),
    table([
      ['on the way', ''],
      ...rows({
        leases: tally.leases,
        leasesTakenBack: tally.takenBack,
        blockedAndReleased: tally.released,
        needsUnmet: tally.unmet,
        needsForgotten: clients.needsGone,
        queuedOnceMore: tally.requeuedByClients,
        submitsRepeated: clients.repeated,
        askedTooLate: clients.askedTooLate,
        submitsRefused: clients.refused,
        submitsGivenUp: clients.givenUp,
        sessionsResumed: agents.resumed,
        earlyHandshakes: agents.early,
        commitsFailed: coordinator.failedCommits,
        commitsCutOff: coordinator.diedBeforeCommit + coordinator.diedAfterCommit,
      }),
    ]),
    `seed ${seed}, ${(result.simulatedMs / 3_600_000).toFixed(1)} simulated hours in ${elapsedS.toFixed(0)} s, digest ${result.digest}`,
  ].join('\n\n');
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
