import { setTimeout as wait } from 'node:timers/promises';
import type { Luck } from '../simulate/luck.js';
import { ClockJumps } from './clock-jumps.js';
import { SmallDisk } from './disk.js';
import type { Plan } from './options.js';
import { HEARTBEAT_MS, SESSION_GRACE_MS, type ChaosSwarm } from './swarm.js';

export const FAULTS = [
  'coordinator killed',
  'coordinator stopped',
  'agent killed',
  'agent stopped',
  'packets lost',
  'packets reordered',
  'packets duplicated',
  'agents cut off',
  'client cut off',
  'disk full',
  'clock jumps',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultCount {
  times: number;
  /** Why it could not be done here; null when it could. */
  readonly skipped: string | null;
}

type Strike = (swarm: ChaosSwarm, luck: Luck, plan: Plan) => Promise<void>;

const LOSS = 0.05;
const OFTEN = 0.1;
/** Longer than two heartbeats, and now and then than the session's grace. */
const LONGEST_STOP_MS = SESSION_GRACE_MS + 4 * HEARTBEAT_MS;
const LONGEST_JUMP_S = 90;

/** Each strikes and mends; none leaves anything behind. */
const strikes: Readonly<Record<Fault, Strike>> = {
  'coordinator killed': async ({ coordinator }, luck) => {
    const downMs = luck.between(50, 2000);
    coordinator.kill(downMs);
    await wait(downMs);
  },
  'coordinator stopped': ({ coordinator }, luck) =>
    coordinator.freeze(luck.between(2 * HEARTBEAT_MS, 6 * HEARTBEAT_MS)),
  'agent killed': async ({ agents }, luck) => {
    const downMs = luck.between(50, 2000);
    luck.pick(agents).kill(downMs);
    await wait(downMs);
  },
  'agent stopped': ({ agents }, luck) =>
    luck.pick(agents).freeze(luck.between(2 * HEARTBEAT_MS, LONGEST_STOP_MS)),
  'packets lost': (swarm, luck) => impair(swarm, { lossRate: LOSS }, { lossRate: 0 }, luck),
  'packets reordered': (swarm, luck) =>
    impair(swarm, { reorderRate: OFTEN, reorderDelayMs: 20 }, { reorderRate: 0 }, luck),
  'packets duplicated': (swarm, luck) => impair(swarm, { duplicateRate: OFTEN }, { duplicateRate: 0 }, luck),
  'agents cut off': async ({ agentPath }, _luck, { darkMs }) => {
    // Above the loss that another fault may have set meanwhile: the dark ends with no loss at all.
    agentPath.set({ lossRate: 1 });
    await wait(darkMs);
    agentPath.set({ lossRate: 0 });
  },
  'client cut off': async ({ clientPath }, _luck, { darkMs }) => {
    clientPath.set({ lossRate: 1 });
    await wait(darkMs);
    clientPath.set({ lossRate: 0 });
  },
  'disk full': async ({ disk }, luck) => {
    if (!(disk instanceof SmallDisk)) return;
    try {
      await disk.fill();
      await wait(luck.between(2000, 8000));
    } finally {
      await disk.free();
    }
  },
  'clock jumps': async ({ clock, coordinator }, luck) => {
    if (!(clock instanceof ClockJumps)) return;
    await clock.set(luck.between(-LONGEST_JUMP_S, LONGEST_JUMP_S));
    // A running process keeps its own time; a new one starts with what the clock says now.
    if (!luck.chance(0.5)) return;
    coordinator.kill(100);
    await wait(100);
  },
};

/** Lets faults strike one after another, also at the same time, each of them often; resolves when all are mended. */
export async function letChaosReign(
  swarm: ChaosSwarm,
  plan: Plan,
  luck: Luck,
  signal: AbortSignal,
): Promise<Record<Fault, FaultCount>> {
  const counts = countsFor(swarm);
  const underWay = new Map<Fault, Promise<void>>();
  let deck: Fault[] = [];
  const endsAt = performance.now() + plan.runMs;
  for (;;) {
    await wait(luck.between(0, 2 * plan.faultGapMs), undefined, { signal });
    if (performance.now() >= endsAt) break;
    if (deck.length === 0)
      deck = shuffled(
        FAULTS.filter((fault) => counts[fault].skipped === null),
        luck,
      );
    const fault = deck.pop();
    // The dark and the loss are set at the same place: one of them at a time.
    if (fault === undefined || underWay.has(fault)) continue;
    counts[fault].times++;
    process.stderr.write(`  ${fault}\n`);
    const mended = strikes[fault](swarm, luck, plan).finally(() => underWay.delete(fault));
    underWay.set(fault, mended);
  }
  await Promise.all(underWay.values());
  for (const path of [swarm.agentPath, swarm.clientPath]) path.set({ lossRate: 0 });
  return counts;
}

async function impair(
  { agentPath, clientPath }: ChaosSwarm,
  changes: Parameters<ChaosSwarm['agentPath']['set']>[0],
  mended: Parameters<ChaosSwarm['agentPath']['set']>[0],
  luck: Luck,
): Promise<void> {
  for (const path of [agentPath, clientPath]) path.set(changes);
  await wait(luck.between(3000, 10_000));
  for (const path of [agentPath, clientPath]) path.set(mended);
}

function countsFor({ disk, clock }: ChaosSwarm): Record<Fault, FaultCount> {
  const counts: Partial<Record<Fault, FaultCount>> = {};
  for (const fault of FAULTS) counts[fault] = { times: 0, skipped: null };
  if (!(disk instanceof SmallDisk)) counts['disk full'] = { times: 0, skipped: disk.why };
  if (!(clock instanceof ClockJumps)) counts['clock jumps'] = { times: 0, skipped: clock.why };
  return counts as Record<Fault, FaultCount>;
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], luck: Luck): T[] {
  const deck = [...items];
  const drawn: T[] = [];
  while (deck.length > 0) drawn.push(...deck.splice(Math.floor(luck.between(0, deck.length)), 1));
  return drawn;
}
