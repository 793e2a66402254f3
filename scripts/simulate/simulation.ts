import { Agenda } from './agenda.js';
import { AgentHost, type AgentCounters, type AgentWorld } from './agent-host.js';
import { ClientHost, type ClientCounters } from './client-host.js';
import { CoordinatorHost, type CoordinatorCounters } from './coordinator-host.js';
import { Digest } from './digest.js';
import { DurableStore } from './durable-store.js';
import { scheduleFaults, type Fault } from './faults.js';
import { Luck } from './luck.js';
import { Network, Path } from './network.js';
import { Referee, type Tally } from './referee.js';
import { Violation } from './violation.js';
import { assertInvariants } from '../../test/coordinator/core/invariants.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly tasks: number;
  /** Simulated hours in which the tasks are submitted and faults strike. */
  readonly hours: number;
  /** Events of the coordinator's core between two looks at its inner state, which take long. */
  readonly checkEvery: number;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly simulatedMs: number;
  readonly tasks: number;
  readonly unfinished: number;
}

export interface SimulationResult {
  /** The same for the same seed, tasks and hours. */
  readonly digest: string;
  readonly simulatedMs: number;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly tally: Readonly<Tally>;
  readonly coordinator: Readonly<CoordinatorCounters>;
  readonly agents: Readonly<AgentCounters>;
  readonly clients: Readonly<ClientCounters>;
}

const START = Date.UTC(2026, 0, 1);
const FEWEST_AGENTS = 6;
const MOST_AGENTS = 24;
const CLIENTS = 8;
/** An agent for so many tasks a second, within the bounds above. */
const TASKS_PER_AGENT = 5;
/** Of a task on average, waits for its timeout included. */
const MEAN_RUN_S = 0.5;
/** Credit there is for each task that runs on average: little enough for bursts and failures to use all of it up. */
const CREDIT_PER_RUNNING_TASK = 3;
const HOUR_MS = 3_600_000;
/** After the last submit and the last fault all must come to an end within this long. */
const LONGEST_END_MS = 2 * HOUR_MS;
/** Longer than an idempotency key is held and, but for rare coincidences, a client is cut off. */
const KEEP_FINISHED_MS = 420_000;
/** A part of all tasks comes in bursts. */
const SHARE_IN_BURSTS = 0.3;
const BURST_GAP_MS = 60_000;
const PROGRESS_MS = 60_000;
/** Quiet: every timer of a session's end, a repeated submit or a lost connection has run out. */
const QUIET_MS = 300_000;

/**
 * Plays `hours` of a swarm in virtual time, with all that can go wrong, and then until everything is quiet.
 * @throws Violation when a promise is broken, or something hangs.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const { seed, tasks, hours } = options;
  const luck = new Luck(seed);
  const agenda = new Agenda(START);
  const digest = new Digest();
  const credits = new Map<string, number>();
  const referee = new Referee(credits, digest);
  const store = new DurableStore(referee, KEEP_FINISHED_MS);
  const network = new Network(agenda);
  const agentsByName = new Map<string, AgentHost>();
  const coordinator = new CoordinatorHost({
    agenda,
    luck: luck.fork(),
    store,
    referee,
    books: {
      answeredEpoch: (name, taskId) => agentsByName.get(name)?.answeredEpoch(taskId) ?? null,
    },
    checkEvery: options.checkEvery,
  });
  network.acceptor = coordinator;

  const agentWorld: AgentWorld = {
    seed,
    agenda,
    network,
    coordinator,
    recorded: [],
    counters: {
      starts: 0,
      registrations: 0,
      resumed: 0,
      early: 0,
      handOvers: 0,
      runs: 0,
      abortsHeeded: 0,
      terminations: 0,
    },
  };
  const perSecond = (tasks / hours) * (1000 / HOUR_MS);
  const agentCount = Math.floor(Math.min(MOST_AGENTS, Math.max(FEWEST_AGENTS, perSecond / TASKS_PER_AGENT)));
  const meanCredit = (CREDIT_PER_RUNNING_TASK * perSecond * MEAN_RUN_S) / agentCount;
  for (let index = 0; index < agentCount; index++) {
    const name = `agent-${index + 1}`;
    const concurrency = 1 + Math.floor(luck.between(0, 2 * meanCredit));
    credits.set(name, concurrency);
    const path = new Path(agenda, luck.fork());
    agentsByName.set(name, new AgentHost(name, concurrency, path, luck.fork(), agentWorld));
  }
  const agents = [...agentsByName.values()];
  const clientWorld = {
    seed,
    agenda,
    network,
    coordinator,
    referee,
    counters: {
      submits: 0,
      repeated: 0,
      askedTooLate: 0,
      refused: 0,
      givenUp: 0,
      needsGone: 0,
      updates: 0,
      cancels: 0,
      cancelsRefused: 0,
      retries: 0,
      retriesRefused: 0,
      connections: 0,
    } satisfies ClientCounters,
  };
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const path = new Path(agenda, luck.fork());
    return new ClientHost(`client-${index + 1}`, path, luck.fork(), clientWorld);
  });

  coordinator.start();
  for (const process of [...agents, ...clients]) agenda.after(luck.between(0, 2000), () => process.start());
  const endAt = START + hours * HOUR_MS;
  const faults = scheduleFaults(
    {
      agenda,
      luck: luck.fork(),
      network,
      coordinator,
      store,
      agents,
      clients,
      recorded: agentWorld.recorded,
    },
    endAt,
  );
  scheduleSubmits(tasks, endAt, agenda, luck.fork(), clients);

  const progress = () => {
    const { unfinished, tally } = referee;
    options.onProgress?.({ simulatedMs: agenda.now - START, tasks: tally.stored, unfinished });
    agenda.after(PROGRESS_MS, progress);
  };
  if (options.onProgress !== undefined) progress();
  agenda.run(endAt);

  const isQuiet = () =>
    referee.unfinished === 0 &&
    coordinator.alive &&
    clients.every((client) => client.open === 0) &&
    agents.every((agent) => agent.registered && agent.idle);
  const lastAt = endAt + LONGEST_END_MS;
  let quietAt = Infinity;
  while (agenda.step(lastAt)) {
    if (!isQuiet()) quietAt = Infinity;
    else if (quietAt === Infinity) quietAt = agenda.now + QUIET_MS;
    else if (agenda.now >= quietAt) break;
  }
  const result: SimulationResult = {
    digest: digest.text,
    simulatedMs: agenda.now - START,
    faults,
    tally: referee.tally,
    coordinator: coordinator.counters,
    agents: agentWorld.counters,
    clients: clientWorld.counters,
  };
  checkEnd({ isQuiet: isQuiet(), referee, store, coordinator, agents, clients, result, tasks });
  return result;
}

/** Every task at a time of its own: most at random, a part in bursts. */
function scheduleSubmits(
  tasks: number,
  endAt: number,
  agenda: Agenda,
  luck: Luck,
  clients: readonly ClientHost[],
): void {
  const totalMs = endAt - agenda.now;
  const bursts = Math.max(1, Math.floor(totalMs / BURST_GAP_MS));
  const perBurst = Math.floor((tasks * SHARE_IN_BURSTS) / bursts);
  const single = tasks - perBurst * bursts;
  let number = 0;
  const next = (left: number, gapMs: number, count: number): void => {
    if (left === 0) return;
    const at = Math.min(agenda.now + luck.gap(gapMs), endAt);
    agenda.at(at, () => {
      for (let i = 0; i < count; i++) luck.pick(clients).submit(number++);
      next(left - 1, gapMs, count);
    });
  };
  next(single, totalMs / single, 1);
  if (perBurst > 0) next(bursts, totalMs / bursts, perBurst);
}

/** Nothing may be left over, and every sum must come out. */
function checkEnd(end: {
  readonly isQuiet: boolean;
  readonly referee: Referee;
  readonly store: DurableStore;
  readonly coordinator: CoordinatorHost;
  readonly agents: readonly AgentHost[];
  readonly clients: readonly ClientHost[];
  readonly result: SimulationResult;
  readonly tasks: number;
}): void {
  const { referee, store, coordinator, agents, clients, result } = end;
  const { core } = coordinator;
  const expect = (condition: boolean, problem: string): void => {
    if (!condition) throw new Violation(problem);
  };
  const hanging = referee.oldestUnfinished();
  if (hanging !== null) throw new Violation(`task ${hanging.taskId} never ends`, hanging.story);
  for (const client of clients) expect(client.open === 0, `${client.name} waits for ${client.open} answers`);
  for (const agent of agents) {
    expect(agent.registered, `${agent.name} is not registered`);
    expect(agent.idle, `${agent.name} has work that nobody wants`);
  }
  if (core === null) throw new Violation('the coordinator is down');
  expect(end.isQuiet, 'it never becomes quiet');
  assertInvariants(core);
  const { state } = core;
  expect(state.ready.size === 0, `${state.ready.size} tasks wait in the ready queue`);
  expect(state.tasks.held === 0, `${state.tasks.held} leases are held`);
  expect(state.tasks.waiting === 0, `${state.tasks.waiting} tasks wait`);
  expect(state.tasks.inputBytes === 0, `${state.tasks.inputBytes} bytes of inputs are left`);
  expect(state.commits.idle, 'something waits for the store');
  expect(state.lookups.size === 0, `${state.lookups.size} lookups are open`);
  const { needs, needsReads } = state;
  expect(needs.size + needsReads.waiting + needsReads.underWay.size === 0, 'needs are looked at still');
  const peers = agents.length + clients.length;
  expect(state.connections.size === peers, `${state.connections.size} connections, ${peers} peers`);
  expect(referee.leases === 0, `${referee.leases} leases are stored`);
  for (const [name, count] of store.count()) {
    expect(
      ['completed', 'failed', 'dead', 'cancelled'].includes(name),
      `${count} tasks are stored as ${name}`,
    );
  }
  const { stored, acknowledged, completed, failed, dead, cancelled, requeuedByClients } = result.tally;
  const ends = completed + failed + dead + cancelled;
  expect(
    ends === stored + requeuedByClients,
    `${stored} tasks and ${requeuedByClients} repeats, ${ends} ends`,
  );
  const { givenUp, needsGone } = result.clients;
  expect(
    acknowledged >= end.tasks - givenUp - needsGone,
    `${end.tasks} submits, ${acknowledged} acknowledged, ${givenUp} given up, ${needsGone} too late for their needs`,
  );
  expect(stored <= end.tasks, `${end.tasks} submits, ${stored} tasks`);
}
