import { LinkCore, type LinkAction, type LinkEvent } from '../../src/agent/link-core.js';
import type { RunOutcome } from '../../src/agent/outcome.js';
import { MemoryOutbox, type Answer } from '../../src/agent/outbox.js';
import { WorkCore, type HeldTask, type WorkAction, type WorkEvent } from '../../src/agent/work-core.js';
import { errorOfReport, ERRORS } from '../../src/protocol/errors.js';
import type { Lease, Message, MessageOf } from '../../src/protocol/messages.js';
import type { CloseInfo } from '../../src/transport/transport.js';
import type { Agenda } from './agenda.js';
import type { CoordinatorHost } from './coordinator-host.js';
import type { Luck } from './luck.js';
import type { Network, Path, PeerEnd, Wire } from './network.js';
import {
  encodeTaskResult,
  errorTextOf,
  planTask,
  SIMULATED_ERROR,
  SIMULATED_KINDS,
  taskNumberOf,
} from './plans.js';
import { Process } from './process.js';
import { Violation } from './violation.js';

const NORMAL_LANE = 'tasks-normal';
/** From a session token or an answer to the agent's disk. */
const DISK_MS = 0.4;
/** What is done with stays on the disk a little longer. */
const TIDY_MS = 100;
const MAX_RESULT_BYTES = 1_000_000;
const RESEND_MS = 1000;
const DRAIN_MS = 20_000;
/** The ticket for early data is missing, too old or refused now and then. */
const SHARE_WITH_TICKET = 0.8;
/** Answers that are sent twice. */
const SHARE_REPEATED = 0.02;
const RECORDED_HANDSHAKES = 50;

export interface AgentCounters {
  starts: number;
  registrations: number;
  resumed: number;
  early: number;
  handOvers: number;
  runs: number;
  abortsHeeded: number;
  terminations: number;
}

/** What every agent of a simulation shares. */
export interface AgentWorld {
  readonly seed: number;
  readonly agenda: Agenda;
  readonly network: Network;
  readonly coordinator: CoordinatorHost;
  readonly counters: AgentCounters;
  /** Early handshakes that somebody could have recorded; the oldest give way. */
  readonly recorded: MessageOf<'AgentHandshake'>[];
}

interface Run {
  readonly task: HeldTask;
  readonly startedAt: number;
  readonly heedsAbort: boolean;
  cancelEnd: () => void;
}

/** What outlives a process of the agent. */
interface Disk {
  sessionToken: string | null;
  readonly answers: Map<string, Answer>;
}

/** An agent: the real LinkCore and WorkCore; handlers that take simulated time; a disk for what they must not forget. */
export class AgentHost extends Process {
  readonly path: Path;
  readonly #world: AgentWorld;
  readonly #luck: Luck;
  readonly #disk: Disk = { sessionToken: null, answers: new Map() };
  #link: LinkCore;
  #work: WorkCore;
  #outbox = new MemoryOutbox();
  #wire: Wire | null = null;
  /** A second connection that is to take over. */
  #heir: Wire | null = null;
  /** Counts attempts to connect: what belongs to an earlier one is ignored. */
  #attempt = 0;
  /** The handshake that was written before the connection is established. */
  #unsent: MessageOf<'AgentHandshake'> | null = null;
  /** What came while the session token is on its way to the disk. */
  #withheld: (() => void)[] | null = null;
  readonly #runs = new Map<Lease, Run>();
  readonly #lanes = new Map<number, string | null>();
  #origins = 0;
  #nonces = 0;
  #timerAt = Infinity;
  #cancelTimer: (() => void) | null = null;
  /** How many times longer than planned everything takes. */
  #slowness = 1;

  constructor(
    readonly name: string,
    readonly concurrency: number,
    path: Path,
    luck: Luck,
    world: AgentWorld,
  ) {
    super(world.agenda);
    this.path = path;
    this.#luck = luck;
    this.#world = world;
    this.#link = this.#makeLink();
    this.#work = this.#makeWork();
  }

  get registered(): boolean {
    return this.alive && this.#link.phase?.state === 'registered';
  }

  /** Nothing runs, waits or is unacknowledged. */
  get idle(): boolean {
    return this.#work.idle && this.#runs.size === 0;
  }

  /** Epoch of the answer it keeps for a task; null without one, or when it only says that the work was stopped. */
  answeredEpoch(taskId: string): number | null {
    const answer = this.#outbox.get(taskId) ?? this.#disk.answers.get(taskId) ?? null;
    if (answer?.message.type === 'TaskCompletion' && answer.message.outcome === 'cancelled') return null;
    return answer?.lease.epoch ?? null;
  }

  start(): void {
    this.begin();
    this.#world.counters.starts++;
    this.#link = this.#makeLink();
    this.#work = this.#makeWork();
    this.#tellLink({ type: 'start' });
  }

  /** kill -9. */
  crash(downMs: number): void {
    if (!this.alive) return;
    this.#wire?.vanish('peer');
    this.#heir?.vanish('peer');
    this.#end();
    this.agenda.after(downMs, () => this.start());
  }

  /** SIGTERM; a new process follows. */
  restart(): void {
    if (!this.alive || this.stalledSince !== null) return;
    this.#tellLink({ type: 'drain', timeoutMs: DRAIN_MS });
    this.#stopWhenDrained();
  }

  slowDown(factor: number, ms: number): void {
    this.#slowness = factor;
    this.agenda.after(ms, () => (this.#slowness = 1));
  }

  /** The connection is used up: a second one takes over. */
  recycle(): void {
    if (!this.registered || this.stalledSince !== null || this.#heir !== null || this.#wire === null) return;
    if (this.#withheld !== null || this.#link.state.state !== 'registered') return;
    const { life } = this;
    const end: PeerEnd = {
      name: this.name,
      process: this,
      life,
      closed: (info) => {
        this.#heir = null;
        if (this.#wire === null) this.#lost(info);
      },
      established: (wire) => {
        if (!this.registered || this.#wire === null) {
          wire.close('peer', ERRORS.NO_ERROR.code, 'no longer needed');
          return;
        }
        this.#heir = wire;
        this.#sendHandshake(wire, this.#handshake(this.#link.sessionToken, false));
      },
      receive: (wire, message, payload, lane) => {
        if (this.#wire === wire) this.#receive(wire, message, payload, lane);
        else if (this.#heir === wire && message.type === 'AgentAck') this.#handOver(wire, message);
        else if (this.#heir === wire && this.#withheld !== null)
          this.#withheld.push(() => this.#receive(wire, message, payload, lane));
      },
    };
    this.#world.network.connect(this.path, end, null);
  }

  #makeLink(): LinkCore {
    return new LinkCore({
      addresses: ['coordinator'],
      sessionToken: this.#disk.sessionToken,
      reconnectMaxMs: 5000,
      random: () => this.#luck.fraction(),
    });
  }

  #makeWork(): WorkCore {
    this.#outbox = new MemoryOutbox();
    for (const answer of this.#disk.answers.values()) this.#outbox.put(answer);
    return new WorkCore({ concurrency: this.concurrency, outbox: this.#outbox });
  }

  #end(): void {
    this.end();
    this.#wire = null;
    this.#heir = null;
    this.#attempt++;
    this.#unsent = null;
    this.#withheld = null;
    this.#runs.clear();
    this.#lanes.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAt = Infinity;
  }

  // ---- link

  #tellLink(event: LinkEvent): void {
    let connect = false;
    for (const action of this.#link.handle(event, this.agenda.now)) {
      if (action.type === 'connect') connect = true;
      else this.#doLink(action);
      if (!this.alive) return;
    }
    if (connect) this.#connect();
    this.#setTimer();
  }

  #doLink(action: LinkAction): void {
    switch (action.type) {
      case 'handshake': {
        const handshake = this.#handshake(action.sessionToken, action.early);
        if (this.#wire === null) this.#unsent = handshake;
        else this.#sendHandshake(this.#wire, handshake);
        return;
      }
      case 'forget-session':
        this.#disk.sessionToken = null;
        return;
      case 'heartbeat':
        this.#say({
          type: 'HeartbeatMessage',
          sequence: action.sequence,
          sentAt: this.agenda.now,
          load: Math.min(1, this.#work.active / this.concurrency),
          activeTasks: this.#work.active,
          queuedTasks: this.#work.queued,
          memoryBytes: 0,
        });
        return;
      case 'drain-notice':
        this.#say({ type: 'DrainNotice', reason: 'the agent stops', deadlineMs: action.deadlineMs });
        return;
      case 'abandon':
        this.#tellWork({ type: 'abandon' });
        return;
      case 'close':
        this.#leave(action.code, action.reason);
        return;
      case 'stop':
        this.#end();
        if (action.permanent) throw new Violation(`${this.name} gave up for good: ${action.reason}`);
        this.agenda.after(1000, () => this.start());
        return;
      default:
        return;
    }
  }

  #connect(): void {
    this.#leave(ERRORS.NO_ERROR.code, 'connecting anew');
    const attempt = ++this.#attempt;
    const early = this.#unsent !== null && this.#luck.chance(SHARE_WITH_TICKET) ? this.#unsent : null;
    if (early !== null) this.#unsent = null;
    const isCurrent = () => this.#attempt === attempt;
    const end: PeerEnd = {
      name: this.name,
      process: this,
      life: this.life,
      closed: (info) => {
        if (!isCurrent()) return;
        // The second connection takes over, and is about to hear so.
        if (this.#heir !== null && info.code === ERRORS.SESSION_REPLACED.code) this.#wire = null;
        else this.#lost(info);
      },
      established: (wire) => {
        if (!isCurrent()) {
          wire.close('peer', ERRORS.NO_ERROR.code, 'too late');
          return;
        }
        this.#wire = wire;
        const unsent = this.#unsent;
        this.#unsent = null;
        if (unsent !== null) this.#sendHandshake(wire, unsent);
        this.#tellLink({ type: 'established' });
      },
      receive: (wire, message, payload, lane) => {
        if (isCurrent()) this.#receive(wire, message, payload, lane);
      },
    };
    const { coordinator, counters, recorded } = this.#world;
    const firstFlight =
      early === null
        ? null
        : {
            completes: true,
            early: (wire: Wire) => {
              counters.early++;
              recorded.push(early);
              if (recorded.length > RECORDED_HANDSHAKES) recorded.shift();
              coordinator.fromAgent(wire, early, undefined, true);
            },
          };
    this.#world.network.connect(this.path, end, firstFlight);
  }

  #sendHandshake(wire: Wire, handshake: MessageOf<'AgentHandshake'>): void {
    wire.toCoordinator('control', () => this.#world.coordinator.fromAgent(wire, handshake));
  }

  #handshake(sessionToken: string | null, early: boolean): MessageOf<'AgentHandshake'> {
    return {
      type: 'AgentHandshake',
      protocolVersions: [1],
      agentId: this.name,
      agentType: 'worker',
      kinds: [...SIMULATED_KINDS],
      concurrency: this.concurrency,
      software: 'simulated',
      leases: this.#work.leases(),
      ...(sessionToken === null ? {} : { sessionToken }),
      ...(early ? { nonce: `${this.name}.${this.life}.${++this.#nonces}`.padEnd(22, '.') } : {}),
    };
  }

  #leave(code: number, reason: string): void {
    this.#attempt++;
    this.#wire?.close('peer', code, reason);
    this.#heir?.close('peer', code, reason);
    this.#wire = null;
    this.#heir = null;
    this.#withheld = null;
    this.#lanes.clear();
  }

  #lost(info: CloseInfo): void {
    this.#attempt++;
    this.#wire = null;
    this.#heir?.close('peer', ERRORS.NO_ERROR.code, 'the first connection is lost');
    this.#heir = null;
    this.#withheld = null;
    this.#lanes.clear();
    this.#tellLink({ type: 'closed', info });
  }

  #receive(wire: Wire, message: Message, payload: Uint8Array | undefined, lane: string | null): void {
    // What was withheld comes in a row, and the first of it may end the process.
    if (!this.alive) return;
    if (this.#withheld !== null) {
      this.#withheld.push(() => this.#receive(wire, message, payload, lane));
      return;
    }
    const phase = this.#link.phase?.state;
    if (phase === 'handshaking' || phase === 'connecting') {
      this.#receiveFirst(wire, message);
      return;
    }
    this.#tellLink({ type: 'heard' });
    switch (message.type) {
      case 'AgentTask': {
        const origin = this.#origins++;
        this.#lanes.set(origin, lane);
        this.#tellWork({ type: 'task', message, payload: payload ?? new Uint8Array(0), origin });
        return;
      }
      case 'CancelTask': {
        const { taskId, epoch, reason } = message;
        this.#tellWork({ type: 'cancel', taskId, epoch, reason });
        return;
      }
      case 'MessageAck':
        if (message.status === 'processed') this.#tellWork({ type: 'settled', taskIds: message.taskIds });
        return;
      case 'ErrorReport':
        this.#receiveError(message);
        return;
      default:
        return;
    }
  }

  #receiveFirst(wire: Wire, message: Message): void {
    if (message.type === 'AgentAck') {
      this.#accept(wire, message, 'accepted');
    } else if (message.type === 'ErrorReport') {
      if (message.name === 'EARLY_DATA_REFUSED') {
        this.#tellLink({ type: 'early-data-refused' });
        return;
      }
      if (message.retryAfterMs !== undefined) {
        this.#tellLink({ type: 'retry-after', retryAfterMs: message.retryAfterMs });
      }
      this.#leave(ERRORS.NO_ERROR.code, 'refused');
      this.#tellLink({
        type: 'closed',
        info: { by: 'peer', layer: 'application', code: message.code, reason: message.message },
      });
    }
  }

  /** Speaks under the new token only when that is on the disk: with its first word the old one is worth nothing. */
  #accept(wire: Wire, ack: MessageOf<'AgentAck'>, how: 'accepted' | 'handed-over'): void {
    const withheld: (() => void)[] = [];
    this.#withheld = withheld;
    this.timer(this.agenda.now + DISK_MS, () => {
      if (this.#withheld !== withheld) return;
      this.#withheld = null;
      const { sessionToken, configuration, abortedTasks, resumed } = ack;
      this.#disk.sessionToken = sessionToken;
      const { counters, coordinator } = this.#world;
      counters.registrations++;
      if (resumed) counters.resumed++;
      if (how === 'handed-over') {
        counters.handOvers++;
        this.#attempt++;
        this.#wire?.close('peer', ERRORS.NO_ERROR.code, 'handed over');
        this.#wire = wire;
        this.#heir = null;
        this.#lanes.clear();
      }
      this.#wire = wire;
      wire.toCoordinator(NORMAL_LANE, () => coordinator.laneOpened(wire));
      this.#tellLink({ type: how, sessionToken, heartbeatIntervalMs: configuration.heartbeatIntervalMs });
      this.#tellWork({ type: 'registered', abortedTasks, maxResultBytes: MAX_RESULT_BYTES });
      for (const receive of withheld) receive();
    });
  }

  #handOver(wire: Wire, ack: MessageOf<'AgentAck'>): void {
    this.#accept(wire, ack, 'handed-over');
  }

  #receiveError(report: MessageOf<'ErrorReport'>): void {
    const error = errorOfReport(report);
    const { taskId, retryAfterMs } = error;
    if (retryAfterMs !== undefined && taskId === undefined) {
      this.#tellLink({ type: 'retry-after', retryAfterMs });
    }
    if (taskId === undefined) return;
    if (error.name === 'STALE_LEASE') this.#tellWork({ type: 'stale', taskId });
    else if (error.permanent) this.#tellWork({ type: 'settled', taskIds: [taskId] });
    else this.#tellWork({ type: 'unstored', taskId, retryAfterMs: retryAfterMs ?? RESEND_MS });
  }

  #say(message: Message): void {
    const wire = this.#wire;
    if (wire === null || !this.registered) return;
    wire.toCoordinator('control', () => this.#world.coordinator.fromAgent(wire, message));
  }

  // ---- work

  #tellWork(event: WorkEvent): void {
    const actions = this.#work.handle(event, this.agenda.now);
    for (const action of actions) {
      this.#doWork(action);
      if (!this.alive) return;
    }
    if (this.#work.active > this.concurrency) {
      throw new Violation(
        `${this.name} runs ${this.#work.active} tasks; its concurrency is ${this.concurrency}`,
      );
    }
    if (event.type === 'settled' || event.type === 'stale' || event.type === 'registered') this.#tidyDisk();
    this.#setTimer();
    this.#stopWhenDrained();
  }

  #doWork(action: WorkAction): void {
    switch (action.type) {
      case 'run':
        this.#run(action.task);
        return;
      case 'abort': {
        const run = this.#runs.get(action.task.lease);
        if (run?.heedsAbort !== true) return;
        this.#world.counters.abortsHeeded++;
        this.#endRun(run, this.#luck.between(1, 20), 'aborted');
        return;
      }
      case 'terminate': {
        const run = this.#runs.get(action.task.lease);
        if (run === undefined) return;
        this.#world.counters.terminations++;
        this.#endRun(run, 1, 'aborted');
        return;
      }
      case 'answer': {
        const { answer, origin } = action;
        this.#keep(answer);
        const wire = this.#wire;
        if (wire === null || !this.registered) return;
        const { message, payload } = answer;
        const lane = (origin === null ? undefined : this.#lanes.get(origin)) ?? NORMAL_LANE;
        if (origin !== null) this.#lanes.delete(origin);
        const send = () =>
          wire.toCoordinator(lane, () =>
            this.#world.coordinator.fromAgent(wire, message, payload ?? undefined),
          );
        send();
        // An agent that repeats itself, much later perhaps, must not be believed.
        if (this.#luck.chance(SHARE_REPEATED)) this.timer(this.agenda.now + this.#luck.gap(1000), send);
        return;
      }
      case 'progress':
        this.#say(action.message);
        return;
      default:
        return;
    }
  }

  #run(task: HeldTask): void {
    this.#world.counters.runs++;
    const plan = planTask(this.#world.seed, taskNumberOf(task.payload));
    const run: Run = {
      task,
      startedAt: this.agenda.now,
      heedsAbort: plan.heedsAbort,
      cancelEnd: () => undefined,
    };
    this.#runs.set(task.lease, run);
    const ms = plan.runMs * this.#slowness;
    if (ms > 5000) {
      this.timer(this.agenda.now + ms / 2, () => {
        if (this.#runs.get(task.lease) === run)
          this.#tellWork({ type: 'progress', lease: task.lease, fraction: 0.5 });
      });
    }
    const failsOnce = plan.end === 'error once' && task.lease.attempt === 1;
    if (plan.end === 'never') return;
    if (failsOnce || plan.end === 'error always') this.#endRun(run, ms, 'error');
    else this.#endRun(run, ms, plan.end === 'error for good' ? 'error for good' : 'result');
  }

  #endRun(run: Run, ms: number, how: 'result' | 'error' | 'error for good' | 'aborted'): void {
    run.cancelEnd();
    run.cancelEnd = this.timer(this.agenda.now + ms, () => {
      const { task } = run;
      if (this.#runs.get(task.lease) !== run) return;
      this.#runs.delete(task.lease);
      const runMs = this.agenda.now - run.startedAt;
      this.#tellWork({ type: 'finished', lease: task.lease, outcome: outcomeOf(task, how, runMs) });
    });
  }

  /** The answer reaches the disk a moment after it was given to the outbox. */
  #keep(answer: Answer): void {
    const { taskId, epoch } = answer.lease;
    this.timer(this.agenda.now + DISK_MS, () => {
      if (this.#outbox.get(taskId)?.lease.epoch === epoch) this.#disk.answers.set(taskId, answer);
    });
  }

  #tidyDisk(): void {
    if (this.#disk.answers.size === 0) return;
    this.timer(this.agenda.now + TIDY_MS, () => {
      for (const taskId of this.#disk.answers.keys()) {
        if (this.#outbox.get(taskId) === null) this.#disk.answers.delete(taskId);
      }
    });
  }

  #stopWhenDrained(): void {
    if (this.alive && this.#link.state.state === 'draining' && this.#work.idle)
      this.#tellLink({ type: 'drained' });
  }

  #setTimer(): void {
    if (!this.alive) return;
    const at = Math.min(this.#link.nextDeadline, this.#work.nextDeadline);
    if (at >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.timer(at, () => {
      this.#timerAt = Infinity;
      this.#cancelTimer = null;
      this.#tellLink({ type: 'tick' });
      if (this.alive) this.#tellWork({ type: 'tick' });
    });
  }
}

function outcomeOf(
  task: HeldTask,
  how: 'result' | 'error' | 'error for good' | 'aborted',
  runMs: number,
): RunOutcome {
  switch (how) {
    case 'result': {
      const payload = encodeTaskResult(taskNumberOf(task.payload), task.lease.epoch);
      return { outcome: 'completed', runMs, payload, summary: null };
    }
    case 'aborted':
      return { outcome: 'aborted', runMs };
    default: {
      const retryable = how === 'error';
      const message = errorTextOf(task.lease.epoch);
      return { outcome: 'failed', runMs, error: { name: SIMULATED_ERROR, message, retryable } };
    }
  }
}
