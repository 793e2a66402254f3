import { errorReport, type ProtocolError } from '../../protocol/errors.js';
import type { Message, MessageOf, StreamPurpose } from '../../protocol/messages.js';
import { Audit } from './sessions/audit.js';
import { KeyedRate } from '../../numeric/keyed-rate.js';
import { OwnTasks } from './sessions/rights.js';
import { AgentAdmission } from './sessions/agent-admission.js';
import type { LogTopic } from './bounded-log.js';
import { CommitHold } from './commits/commit-hold.js';
import { CommitLog } from './commits/commit-log.js';
import { CommitSize } from './commits/commit-size.js';
import type { Connection } from './sessions/connections.js';
import type { Action, CoreOptions, CorePorts } from './contract.js';
import type { Due } from './due.js';
import { EventFeed } from './event-feed.js';
import { InputReads } from './tasks/input-reads.js';
import { KindLimits } from './tasks/kind-limits.js';
import { Schedules } from './schedules/schedules.js';
import { NeedsBook } from './tasks/needs-book.js';
import { NeedsReads } from './tasks/needs-reads.js';
import { ReadyQueue } from './tasks/ready-queue.js';
import { Registry } from './sessions/registry.js';
import { Scheduler } from './tasks/scheduler.js';
import { TaskBook, type StateCounts } from './tasks/task-book.js';
import { logTask } from './tasks/task-log.js';
import type { Task } from './tasks/task.js';
import { DeadlineHeap, Timer, TimerHeap } from './timers.js';
import { ReasoningBank } from '../../reasoning/bank.js';
import { BANK_OPTIONS, bankPorts } from './reasoning/bank-options.js';
import { Learning } from './reasoning/learning.js';
import { Trainings } from './training/trainings.js';

/** Counted since the start; the shell may read them at any time. */
export interface Counters {
  submitted: number;
  leased: number;
  /** Attempts that failed and are to be repeated after a backoff. */
  retried: number;
  /** Leases taken back because their agent was lost. */
  requeued: number;
  timedOut: number;
  /** Tasks that had ended without a result and were queued again because a client asked for it. */
  revived: number;
  /** Results refused because their lease was over. */
  staleResults: number;
  /** Messages refused: undecodable, unexpected or with an error. */
  protocolErrors: number;
  sessionsResumed: number;
  /** Handshakes whose session token proves nothing: old, stolen, or of a session that has ended. */
  sessionsRefused: number;
  joinTokensRefused: number;
  /** Messages in early data that were refused, whatever the reason. */
  earlyDataRefused: number;
  /** Of these, the handshakes whose nonce or session token had been used before. */
  replaysRefused: number;
  /** Handshakes of agents that were told to come back later. */
  agentsDeferred: number;
  /** How often an agent was found to stall. */
  agentsStalled: number;
  /** How often silence of an agent made it suspect. */
  agentsSuspected: number;
  /** Connections of agents given up because nothing arrived. */
  agentsGivenUp: number;
  failedCommits: number;
  /** Operations the store refused: another coordinator was faster. */
  storeConflicts: number;
}

/** Whether work is taken. */
export type Operation =
  | { readonly state: 'running' }
  | { readonly state: 'draining'; readonly timer: Timer<Due> }
  | { readonly state: 'drained' };

/** Whether the store takes commits. After a failure one success is needed to be `up` again. */
export type StoreHealth = { readonly state: 'up' } | { readonly state: 'down'; readonly reason: string };

/** A question to the store on behalf of a client. */
export type Lookup = {
  readonly connectionId: string;
  /** Missing only where the client wants no answer. */
  readonly requestId: number | undefined;
} & (
  | { readonly wants: 'state' | 'history' | 'cancel' | 'retry'; readonly taskId: string }
  | { readonly wants: 'list'; readonly query: MessageOf<'QueryTasks'> }
  | {
      readonly wants: 'patterns';
      readonly query: MessageOf<'QueryPatterns'>;
      /** The shape of its series; null: it gives none. */
      readonly vector: Float32Array | null;
    }
  | { readonly wants: 'outcome'; readonly taskId: string; readonly report: MessageOf<'ReportOutcome'> }
);

/** Everything the core knows, and the actions of the event at hand. The modules around it are functions over it. */
export class CoreState {
  readonly tasks: TaskBook;
  readonly ready: ReadyQueue;
  readonly scheduler: Scheduler;
  readonly registry: Registry;
  readonly admission: AgentAdmission;
  readonly limits: KindLimits;
  readonly timers = new TimerHeap<Due>();
  /** All and only the tasks that are delayed, retrying or held, by the time that their state ends. */
  readonly deadlines = new DeadlineHeap<Task>();
  /** All and only the ready tasks that the store has as delayed or retrying: that their time has come is not stored. */
  readonly overdue = new Set<Task>();
  readonly inputs = new InputReads();
  readonly schedules = new Schedules();
  readonly needs = new NeedsBook();
  readonly needsReads = new NeedsReads();
  readonly audit = new Audit();
  readonly ownTasks = new OwnTasks();
  readonly requestRate: KeyedRate | null;
  readonly commits: CommitLog;
  readonly commitSize = new CommitSize();
  readonly hold = new CommitHold();
  readonly feed = new EventFeed();
  readonly connections = new Map<string, Connection>();
  readonly trainings = new Trainings();
  readonly lookups = new Map<number, Lookup>();
  /** Kinds of which no task is given out. */
  readonly pausedKinds: Set<string>;
  /** Topics of bounded logging on which something was said in the last second. */
  readonly logTopics = new Map<string, LogTopic>();
  readonly retentionTimer = new Timer<Due>({ kind: 'retention' });
  /** Runs after a failed commit; while it does, nothing is committed. */
  readonly storeRetryTimer = new Timer<Due>({ kind: 'store-retry' });
  readonly rateTimer = new Timer<Due>({ kind: 'rate' });
  store: StoreHealth = { state: 'up' };
  /** What clients send is read. */
  intakeOpen = true;
  readonly counters: Counters = {
    submitted: 0,
    leased: 0,
    retried: 0,
    requeued: 0,
    timedOut: 0,
    revived: 0,
    staleResults: 0,
    protocolErrors: 0,
    sessionsResumed: 0,
    sessionsRefused: 0,
    joinTokensRefused: 0,
    earlyDataRefused: 0,
    replaysRefused: 0,
    agentsDeferred: 0,
    agentsStalled: 0,
    agentsSuspected: 0,
    agentsGivenUp: 0,
    failedCommits: 0,
    storeConflicts: 0,
  };
  /**
   * Smallest epoch for tasks that come from the store. A lease may reach an agent before its commit; after a crash the
   * store does not know of it, and its epoch must not be given out again. So each start of a coordinator has a range of
   * its own: the later the higher, and should the clock be set back, most likely still another one.
   */
  readonly firstEpoch: number;
  readonly learning: Learning;
  operation: Operation = { state: 'running' };
  nextLookupId = 1;
  /** The core has been called on time since then; silence before it counts for nobody. */
  onTimeSince: number;
  #actions: Action[] = [];
  readonly #kindNames = new Map<string, string>();

  constructor(
    readonly options: CoreOptions,
    readonly ports: CorePorts,
    readonly startedAt: number,
    counts: StateCounts = {},
    pausedKinds: readonly string[] = [],
    bank = new ReasoningBank(
      BANK_OPTIONS,
      bankPorts((now) => ports.random.taskId(now)),
      startedAt,
    ),
  ) {
    this.learning = new Learning(bank, startedAt);
    this.tasks = new TaskBook(options.cache, counts);
    this.tasks.observe((event, task, at) => {
      this.feed.onTask(event, task, at);
      if (ports.logsDebug?.() === true) logTask(this, event, task);
    });
    this.commits = new CommitLog(options.fullCommitEntries);
    this.ready = new ReadyQueue(options.ageing);
    this.scheduler = new Scheduler(options.routing);
    this.registry = new Registry(options.maxAgents, options.heartbeatIntervalMs);
    this.admission = new AgentAdmission(options.agentAdmission, startedAt);
    this.requestRate = options.clientRate === null ? null : new KeyedRate(options.clientRate);
    this.onTimeSince = startedAt;
    this.pausedKinds = new Set(pausedKinds);
    this.firstEpoch = Math.floor((Math.floor(startedAt) + ports.random.fraction()) * EPOCHS_PER_MS);
    this.limits = new KindLimits(options.kindLimits);
  }

  get storeIsDown(): boolean {
    return this.store.state === 'down';
  }

  /** The same text for the same kind of task, so that a million tasks do not each keep their own. */
  oneNameOf(kind: string): string {
    const known = this.#kindNames.get(kind);
    if (known !== undefined) return known;
    if (this.#kindNames.size >= KIND_NAMES_KEPT) this.#kindNames.clear();
    this.#kindNames.set(kind, kind);
    return kind;
  }

  act(action: Action): void {
    this.#actions.push(action);
  }

  /** Hands the collected actions over. */
  takeActions(): readonly Action[] {
    if (this.#actions.length === 0) return NO_ACTIONS;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Sends to a connection; nothing when it is gone. */
  send(connectionId: string, message: Message, payload?: Uint8Array, lane: StreamPurpose = 'control'): void {
    if (!this.connections.has(connectionId)) return;
    if (payload === undefined) this.act({ type: 'send', connectionId, lane, message });
    else this.act({ type: 'send', connectionId, lane, message, payload });
    if (!this.audit.idle) this.audit.answered(this, connectionId, message);
  }

  sendError(connectionId: string, error: ProtocolError): void {
    this.send(connectionId, errorReport(error));
  }

  log(
    level: 'debug' | 'info' | 'warn' | 'error',
    msg: string,
    fields: Readonly<Record<string, string | number | boolean | null>>,
  ): void {
    this.act({ type: 'log', level, msg, fields });
  }
}

/** Epochs go to 2^48, which leaves this many for each millisecond until the year 2109. */
const EPOCHS_PER_MS = 64;
const KIND_NAMES_KEPT = 1024;
const NO_ACTIONS: readonly Action[] = [];
