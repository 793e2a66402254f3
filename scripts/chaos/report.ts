import { table } from '../bench/lib/table.js';
import type { MemoryUse } from '../lib/memory.js';
import { FAULTS, type Fault, type FaultCount } from './faults.js';

export interface ChaosResult {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: Readonly<Record<Fault, FaultCount>>;
  readonly submitted: number;
  readonly acknowledged: number;
  readonly completed: number;
  readonly lost: number;
  readonly wrong: number;
  readonly endedTwice: number;
  readonly hanging: number;
  readonly executions: number;
  readonly ranTwice: number;
  /** Submits and waits that the client had to repeat. */
  readonly repeated: number;
  readonly longestS: number;
  /** Ends of daemons that no fault explains. */
  readonly unexpectedEnds: number;
  readonly memory: Readonly<Record<string, MemoryUse>>;
  readonly problems: readonly string[];
}

export function report(result: ChaosResult): string {
  const { faults, memory, problems } = result;
  const { submitted, acknowledged, completed, lost, wrong, endedTwice, hanging } = result;
  const { executions, ranTwice, repeated, longestS, unexpectedEnds } = result;
  const rows = (entries: Readonly<Record<string, number>>) =>
    Object.entries(entries).map(([name, count]) => [name, String(count)]);
  return [
    table([
      ['fault', 'times', 'lost'],
      ...FAULTS.map((fault) => {
        const { times, skipped } = faults[fault];
        return skipped === null ? [fault, String(times), '0'] : [fault, `skipped: ${skipped}`];
      }),
    ]),
    table([
      ['tasks', ''],
      ...rows({ submitted, acknowledged, completed, lost, wrong, 'ended twice': endedTwice, hanging }),
      ...rows({ executions, 'ran more than once': ranTwice, 'repeated by the client': repeated }),
      ['longest from submit to result, s', longestS.toFixed(1)],
      ['daemons that ended by themselves', String(unexpectedEnds)],
    ]),
    table([
      ['memory, MiB', 'peak', 'at the end'],
      ...Object.entries(memory).map(([name, { peakMiB, lastMiB }]) => [
        name,
        peakMiB.toFixed(0),
        lastMiB.toFixed(0),
      ]),
    ]),
    ...problems.map((problem) => `PROBLEM ${problem}`),
    `seed ${result.seed}: ${problems.length === 0 ? 'nothing was lost' : 'FAILED'}`,
  ].join('\n\n');
}
