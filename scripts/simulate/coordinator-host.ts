import { CoordinatorCore } from '../../src/coordinator/core/core.js';
import type { Action, CoreEvent, CoreOptions, CorePorts } from '../../src/coordinator/core/contract.js';
import { DEFAULT_CORE_OPTIONS } from '../../src/coordinator/core/options.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { Message } from '../../src/protocol/messages.js';
import type { StoreOp } from '../../src/store/store.js';
import { assertInvariants } from '../../test/coordinator/core/invariants.js';
import type { Agenda } from './agenda.js';
import type { DurableStore } from './durable-store.js';
import type { Luck } from './luck.js';
import type { Acceptor, Wire, WireEnd } from './network.js';
import { NARROW_CONCURRENCY, PACED_PER_SECOND, SIMULATED_KINDS, TASK_TIMEOUT_MS } from './plans.js';
import { Process } from './process.js';
import type { Referee } from './referee.js';
import { Violation } from './violation.js';

export interface CoordinatorCounters {
  starts: number;
  drains: number;
  failedCommits: number;
  /** Changes that were on their way to the disk when the process died, and what became of them. */
  diedBeforeCommit: number;
  diedAfterCommit: number;
  intakeClosed: number;
  inputReads: number;
  events: number;
}

/** What came in this long is decided on together, as in one turn of an event loop. */
const TURN_MS = 0.2;
/** A store that is started reads this many tasks in a millisecond. */
const RECOVERED_PER_MS = 200;
const RESTART_MS = 300;
const DRAIN_MS = 10_000;
/** From the disk to the core's ear. */
const LONGEST_TELLING_MS = 0.3;
const SHARE_OF_BROKEN_COMMITS = 0.0002;

/** Who sends recorded handshakes again. */
export const INTRUDER = 'intruder';

export const HEARTBEAT_MS = 10_000;
export const SESSION_GRACE_MS = 60_000;
export const IDEMPOTENCY_WINDOW_MS = 360_000;

export const SIMULATED_CORE_OPTIONS: Omit<CoreOptions, 'coordinatorId'> = {
  ...DEFAULT_CORE_OPTIONS,
  builtInKinds: ['compute'],
  heartbeatIntervalMs: HEARTBEAT_MS,
  sessionGraceMs: SESSION_GRACE_MS,
  taskTimeoutMs: TASK_TIMEOUT_MS,
  idempotencyWindowMs: IDEMPOTENCY_WINDOW_MS,
  maxQueue: 5000,
  ownStreamThresholdBytes: 2048,
  // so small that every path is walked
  fullCommitEntries: 3,
  cache: { count: 500, ageMs: 60_000, bytes: 100_000 },
  inputCacheBytes: 16_384,
  maxBacklogBytes: 65_536,
  kindLimits: new Map([
    ['narrow', { concurrency: NARROW_CONCURRENCY, perSecond: null }],
    ['paced', { concurrency: null, perSecond: PACED_PER_SECOND }],
  ]),
  agentAdmission: { perSecond: 5, burst: 10 },
};

/** What the host asks about agents, to check what they are told. */
export interface AgentBooks {
  /** Epoch of the answer that an agent holds for a task and that may not be lost, or null. */
  answeredEpoch(agentName: string, taskId: string): number | null;
}

/** The coordinator: the real core, and around it a simulated disk and network. */
export class CoordinatorHost extends Process implements Acceptor {
  readonly counters: CoordinatorCounters = {
    starts: 0,
    drains: 0,
    failedCommits: 0,
    diedBeforeCommit: 0,
    diedAfterCommit: 0,
    intakeClosed: 0,
    inputReads: 0,
    events: 0,
  };
  readonly #luck: Luck;
  readonly #store: DurableStore;
  readonly #referee: Referee;
  readonly #books: AgentBooks;
  readonly #checkEvery: number;
  readonly #wires = new Map<string, Wire>();
  #core: CoordinatorCore | null = null;
  #flushDue = false;
  #timerAt = Infinity;
  #cancelTimer: (() => void) | null = null;
  /** How long to be down after the crash that comes with the next commit; null: none. */
  #crashAtCommit: number | null = null;
  #diskFullUntil = 0;
  #diskSlowUntil = 0;
  #intakeOpen = true;
  #untaken: (() => void)[] = [];
  #ids = 0;

  constructor(options: {
    readonly agenda: Agenda;
    readonly luck: Luck;
    readonly store: DurableStore;
    readonly referee: Referee;
    readonly books: AgentBooks;
    /** Events of the core between two looks at its inner state. */
    readonly checkEvery: number;
  }) {
    super(options.agenda);
    this.#luck = options.luck;
    this.#store = options.store;
    this.#referee = options.referee;
    this.#books = options.books;
    this.#checkEvery = options.checkEvery;
  }

  /** The core while it lives. */
  get core(): CoordinatorCore | null {
    return this.#core;
  }

  /** Reads the disk and begins to listen. */
  start(): void {
    const batches = this.#store.recoveredTasks();
    const tasks = batches.reduce((sum, batch) => sum + batch.length, 0);
    this.agenda.after(RESTART_MS + tasks / RECOVERED_PER_MS, () => {
      this.begin();
      this.counters.starts++;
      this.#referee.coordinatorStarted(this.agenda.now);
      this.#core = this.#recover();
      this.#handle({ type: 'flush' });
    });
  }

  /** kill -9: everything that is not on the disk is lost. */
  crash(downMs: number): void {
    if (this.#core === null) return;
    for (const wire of this.#wires.values()) wire.vanish('coordinator');
    this.#stop();
    this.agenda.after(downMs, () => this.start());
  }

  /** kill -9 while the next commit is on its way: the moments around it are few, and the interesting ones. */
  crashAtCommit(downMs: number): void {
    this.#crashAtCommit = downMs;
  }

  /** SIGTERM, and a new process afterwards. */
  restart(): void {
    if (this.#core === null || this.stalledSince !== null) return;
    this.counters.drains++;
    this.#handle({ type: 'drain', deadlineMs: DRAIN_MS, reason: 'restart' });
  }

  fillDisk(ms: number): void {
    this.#diskFullUntil = Math.max(this.#diskFullUntil, this.agenda.now + ms);
  }

  slowDisk(ms: number): void {
    this.#diskSlowUntil = Math.max(this.#diskSlowUntil, this.agenda.now + ms);
  }

  endOf(connectionId: string): WireEnd {
    return {
      process: this,
      life: this.life,
      closed: (info) => {
        const wire = this.#wires.get(connectionId);
        if (wire === undefined) return;
        this.#wires.delete(connectionId);
        const clean =
          info.by === 'peer' && info.layer === 'application' && info.code === ERRORS.NO_ERROR.code;
        this.#tell({ type: 'connectionLost', connectionId, clean, reason: info.reason });
      },
    };
  }

  opened(wire: Wire, early: boolean): void {
    const { id: connectionId } = wire;
    this.#wires.set(connectionId, wire);
    this.#tell({ type: 'connectionOpened', connectionId, address: wire.peer.name, certificate: null, early });
  }

  established(wire: Wire): void {
    this.#tell({ type: 'established', connectionId: wire.id, certificate: null });
  }

  laneOpened(wire: Wire): void {
    this.#tell({ type: 'laneOpened', connectionId: wire.id });
  }

  fromAgent(wire: Wire, message: Message, payload?: Uint8Array, early = false): void {
    this.#tell({ type: 'message', connectionId: wire.id, message, payload, early });
  }

  /** A client's message waits at the door while nothing is taken in. */
  fromClient(wire: Wire, message: Message, payload?: Uint8Array): void {
    const take = () => {
      if (wire.isOpen('coordinator'))
        this.#tell({ type: 'message', connectionId: wire.id, message, payload });
    };
    if (this.#intakeOpen) take();
    else this.#untaken.push(take);
  }

  #stop(): void {
    this.end();
    this.#core = null;
    this.#wires.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAt = Infinity;
    this.#flushDue = false;
    this.#intakeOpen = true;
    this.#untaken = [];
  }

  #tell(event: CoreEvent): void {
    this.#handle(event);
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.timer(this.agenda.now + TURN_MS, () => {
      this.#flushDue = false;
      this.#handle({ type: 'flush' });
    });
  }

  #handle(event: CoreEvent): void {
    const core = this.#core;
    if (core === null) return;
    const actions = core.handle(event, this.agenda.now);
    if (++this.counters.events % this.#checkEvery === 0) assertInvariants(core);
    for (const action of actions) this.#carryOut(action);
    // The last action may have been the end of the process.
    if (this.#core === core) this.#armTimer(core.nextDeadline());
  }

  #carryOut(action: Action): void {
    switch (action.type) {
      case 'send': {
        const { connectionId, lane, message, payload } = action;
        const wire = this.#wires.get(connectionId);
        if (wire === undefined) return;
        this.#referee.said(message, payload, this.#store);
        this.#checkSaid(wire.peer.name, message);
        const isLarge = (payload?.byteLength ?? 0) > SIMULATED_CORE_OPTIONS.ownStreamThresholdBytes;
        wire.toPeer(isLarge ? null : lane, message, payload);
        return;
      }
      case 'close': {
        const wire = this.#wires.get(action.connectionId);
        this.#wires.delete(action.connectionId);
        wire?.close('coordinator', ERRORS[action.error].code, action.reason);
        return;
      }
      case 'commit':
        this.#commit(action.commitId, action.ops);
        return;
      case 'lookup': {
        const { lookupId, taskId } = action;
        this.#read(() => ({ type: 'found', lookupId, task: this.#store.get(taskId) }));
        return;
      }
      case 'list': {
        const { lookupId, filter } = action;
        this.#read(() => ({ type: 'listed', lookupId, tasks: this.#store.list(filter) }));
        return;
      }
      case 'readInputs': {
        const { readId, taskIds } = action;
        this.counters.inputReads++;
        this.#read(() => ({ type: 'inputsRead', readId, inputs: this.#store.readInputs(taskIds) }));
        return;
      }
      case 'readTraining': {
        const { taskId } = action;
        this.#read(() => {
          const [input = null] = this.#store.readInputs([taskId]);
          return { type: 'trainingRead', taskId, found: { input, checkpoint: null } };
        });
        return;
      }
      case 'readStates': {
        const { readId, taskIds, key } = action;
        this.#read(() => {
          const states = taskIds.map((taskId) => this.#store.get(taskId)?.current.state ?? null);
          const keyHolder = key === null ? null : this.#store.keyHolder(key.idempotencyKey, key.at);
          return { type: 'statesRead', readId, found: { states, keyHolder } };
        });
        return;
      }
      case 'readResults': {
        const { readId, taskId, resultsOf } = action;
        this.#read(() => {
          const [input = null] = this.#store.readInputs([taskId]);
          const results = this.#store.readResults(resultsOf);
          return { type: 'resultsRead', readId, found: { input, results } };
        });
        return;
      }
      case 'consumeNonce': {
        const { connectionId, nonce } = action;
        this.#read((now) => {
          const fresh = now >= this.#diskFullUntil && this.#store.consumeNonce(nonce, now);
          return { type: 'nonceChecked', connectionId, fresh };
        });
        return;
      }
      case 'intake':
        this.#intakeOpen = action.open;
        if (action.open) for (const take of this.#untaken.splice(0)) take();
        else this.counters.intakeClosed++;
        return;
      case 'drained':
        for (const wire of this.#wires.values()) wire.close('coordinator', ERRORS.GOING_AWAY.code, 'restart');
        this.#stop();
        this.start();
        return;
      default:
        return;
    }
  }

  /** An agent may drop a result or an error only when its lease is over on the disk. */
  #checkSaid(peer: string, message: Message): void {
    if (message.type === 'AgentAck' && peer === INTRUDER) {
      throw new Violation('a replayed handshake was accepted');
    }
    if (message.type !== 'MessageAck' || message.status !== 'processed' || message.requestIds.length > 0)
      return;
    for (const taskId of message.taskIds) {
      const current = this.#store.tasks.get(taskId)?.current;
      if (current?.state !== 'leased' || current.lease.agentId !== peer) continue;
      if (this.#books.answeredEpoch(peer, taskId) === current.lease.epoch) {
        throw this.#referee.violation(taskId, `${peer} is told that its answer is stored; it is not`);
      }
    }
  }

  /**
   * The disk takes its time. A process that dies meanwhile leaves either nothing or all of the commit; the core hears of
   * it a moment later still.
   */
  #commit(commitId: number, ops: readonly StoreOp[]): void {
    const { life } = this;
    const diskMs = this.#diskMs();
    if (this.#crashAtCommit !== null) {
      const downMs = this.#crashAtCommit;
      this.#crashAtCommit = null;
      this.agenda.after(diskMs + this.#luck.between(-LONGEST_TELLING_MS, LONGEST_TELLING_MS), () => {
        if (this.life === life) this.crash(downMs);
      });
    }
    this.agenda.after(diskMs, () => {
      if (this.life !== life || !this.alive) {
        this.counters.diedBeforeCommit++;
        return;
      }
      const { now } = this.agenda;
      const reason =
        now < this.#diskFullUntil
          ? 'disk full'
          : this.#luck.chance(SHARE_OF_BROKEN_COMMITS)
            ? 'input/output error'
            : null;
      let event: CoreEvent;
      if (reason === null) event = { type: 'committed', commitId, outcomes: this.#store.apply(ops, now) };
      else {
        this.counters.failedCommits++;
        event = { type: 'commitFailed', commitId, reason };
      }
      this.agenda.after(this.#luck.between(0.02, LONGEST_TELLING_MS), () => {
        if (this.life !== life || !this.alive) this.counters.diedAfterCommit++;
        this.arrive(life, () => this.#handle(event));
      });
    });
  }

  #read(answer: (now: number) => CoreEvent): void {
    const { life } = this;
    this.agenda.after(this.#diskMs(), () => {
      if (this.life !== life || !this.alive) return;
      const event = answer(this.agenda.now);
      this.arrive(life, () => this.#tell(event));
    });
  }

  #diskMs(): number {
    if (this.agenda.now < this.#diskSlowUntil) return this.#luck.between(100, 3000);
    return this.#luck.chance(0.005) ? this.#luck.between(5, 60) : this.#luck.between(0.2, 1);
  }

  #armTimer(at: number | null): void {
    const due = at ?? Infinity;
    if (due >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = due;
    this.#cancelTimer = this.timer(due, () => {
      this.#timerAt = Infinity;
      this.#cancelTimer = null;
      this.#handle({ type: 'tick' });
    });
  }

  #recover(): CoordinatorCore {
    const { now } = this.agenda;
    const options = { ...SIMULATED_CORE_OPTIONS, coordinatorId: `coordinator-${this.counters.starts}` };
    const core = new CoordinatorCore(options, this.#ports(), now, {
      sessions: this.#store.sessions(),
      counts: Object.fromEntries(this.#store.count()),
    });
    for (const batch of this.#store.recoveredTasks()) core.recover(batch, now);
    return core;
  }

  #ports(): CorePorts {
    return {
      random: {
        token: () => `token-${++this.#ids}`,
        // sorts by time, like the real ones
        taskId: (now) =>
          `${Math.floor(now * 1000)
            .toString(36)
            .padStart(12, '0')}-${(++this.#ids).toString(36)}`,
        fraction: () => this.#luck.fraction(),
      },
      checkJoinToken: () => true,
      admit: (kind) =>
        SIMULATED_KINDS.some((known) => known === kind)
          ? { ok: true }
          : { ok: false, name: 'UNKNOWN_KIND', message: kind },
      facts: () => ({ version: 'simulated', memoryBytes: 0, load: 0, dropped: {} }),
      rttMs: () => 1,
      heardAt: (connectionId) => this.#wires.get(connectionId)?.heardAt() ?? null,
    };
  }
}
