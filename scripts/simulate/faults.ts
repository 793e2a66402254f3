import type { AgentHost, AgentWorld } from './agent-host.js';
import type { Agenda } from './agenda.js';
import type { ClientHost } from './client-host.js';
import { INTRUDER, type CoordinatorHost } from './coordinator-host.js';
import type { DurableStore } from './durable-store.js';
import type { Luck } from './luck.js';
import { Path, type Network, type PeerEnd, type Wire } from './network.js';
import { Process } from './process.js';

export const FAULTS = [
  'coordinator crashes',
  'coordinator restarts',
  'coordinator stands still',
  'disk full',
  'disk slow',
  'agent crashes',
  'agent restarts',
  'agent stands still',
  'agent slow',
  'agent cut off',
  'client cut off',
  'all cut off',
  'connection recycled',
  'handshake replayed',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How often each strikes, in an hour. */
const PER_HOUR: Readonly<Record<Fault, number>> = {
  'coordinator crashes': 6,
  'coordinator restarts': 1,
  'coordinator stands still': 3,
  'disk full': 2,
  'disk slow': 3,
  'agent crashes': 40,
  'agent restarts': 10,
  'agent stands still': 20,
  'agent slow': 10,
  'agent cut off': 30,
  'client cut off': 12,
  'all cut off': 2,
  'connection recycled': 30,
  'handshake replayed': 30,
};

export interface FaultTargets {
  readonly agenda: Agenda;
  readonly luck: Luck;
  readonly network: Network;
  readonly coordinator: CoordinatorHost;
  readonly store: DurableStore;
  readonly agents: readonly AgentHost[];
  readonly clients: readonly ClientHost[];
  readonly recorded: AgentWorld['recorded'];
}

/** Lets every fault strike at random times until `until`; returns the counts, which grow meanwhile. */
export function scheduleFaults(targets: FaultTargets, until: number): Record<Fault, number> {
  const counts = countsOf(0);
  const intruder = new Intruder(targets);
  for (const fault of FAULTS) {
    const luck = targets.luck.fork();
    const meanMs = 3_600_000 / PER_HOUR[fault];
    const next = () => {
      const at = targets.agenda.now + luck.gap(meanMs);
      if (at >= until) return;
      targets.agenda.at(at, () => {
        counts[fault]++;
        strike(fault, targets, luck, intruder);
        next();
      });
    };
    next();
  }
  return counts;
}

function countsOf(count: number): Record<Fault, number> {
  const counts: Partial<Record<Fault, number>> = {};
  for (const fault of FAULTS) counts[fault] = count;
  return counts as Record<Fault, number>;
}

function strike(fault: Fault, targets: FaultTargets, luck: Luck, intruder: Intruder): void {
  const { coordinator, agents, clients } = targets;
  switch (fault) {
    case 'coordinator crashes':
      if (luck.chance(0.5)) coordinator.crash(luck.gap(3000));
      else coordinator.crashAtCommit(luck.gap(3000));
      return;
    case 'coordinator restarts':
      coordinator.restart();
      return;
    case 'coordinator stands still':
      coordinator.stall(luck.gap(15_000));
      return;
    case 'disk full':
      coordinator.fillDisk(luck.between(5_000, 120_000));
      return;
    case 'disk slow':
      coordinator.slowDisk(luck.between(5_000, 60_000));
      return;
    case 'agent crashes':
      luck.pick(agents).crash(luck.gap(5000));
      return;
    case 'agent restarts':
      luck.pick(agents).restart();
      return;
    case 'agent stands still':
      luck.pick(agents).stall(luck.gap(30_000));
      return;
    case 'agent slow':
      luck.pick(agents).slowDown(20, luck.gap(60_000));
      return;
    case 'agent cut off':
      luck.pick(agents).path.goDark(luck.gap(30_000));
      return;
    case 'client cut off':
      luck.pick(clients).path.goDark(luck.gap(20_000));
      return;
    case 'all cut off': {
      const ms = luck.gap(20_000);
      for (const { path } of [...agents, ...clients]) path.goDark(ms);
      return;
    }
    case 'connection recycled':
      luck.pick(agents).recycle();
      return;
    case 'handshake replayed':
      intruder.replay(luck);
      return;
  }
}

/** Has recorded the first packets of agents, and sends them again. */
class Intruder extends Process {
  readonly #targets: FaultTargets;
  readonly #path: Path;

  constructor(targets: FaultTargets) {
    super(targets.agenda);
    this.#targets = targets;
    this.#path = new Path(targets.agenda, targets.luck.fork());
    this.begin();
  }

  replay(luck: Luck): void {
    const { recorded, network, coordinator, store } = this.#targets;
    if (recorded.length === 0) return;
    const handshake = luck.pick(recorded);
    // One that never took effect may do so once, late: its sender cannot tell that from a slow path.
    const isReplay = handshake.nonce !== undefined && store.isUsed(handshake.nonce);
    const end: PeerEnd = {
      name: isReplay ? INTRUDER : 'late flight',
      process: this,
      life: this.life,
      closed: () => undefined,
      established: () => undefined,
      receive: () => undefined,
    };
    const early = (wire: Wire) => coordinator.fromAgent(wire, handshake, undefined, true);
    network.connect(this.#path, end, { early, completes: false });
  }
}
