import { v7 as uuidv7 } from 'uuid';
import { systemClock, type Clock } from '../observe/clock.js';
import type { CoordinatorView } from '../observe/coordinator-view.js';
import { silentLog, type Log } from '../observe/log.js';
import type { CoordinatorFigures } from '../observe/metrics/snapshot.js';
import type { SpanSink } from '../observe/tracing/spans.js';
import { ERRORS } from '../protocol/errors.js';
import type { LogLevel, Message } from '../protocol/messages.js';
import type { ReasoningBank } from '../reasoning/bank.js';
import type { PatternStore } from '../reasoning/patterns/pattern-store.js';
import { learnedRouting } from '../reasoning/routing.js';
import { MemoryStore } from '../store/memory-store.js';
import type { RetentionRule, Store } from '../store/store.js';
import { taskKinds } from '../tasks/registry.js';
import type { TransportConnection, TransportListener } from '../transport/transport.js';
import type { Action, CoreEvent, CoreOptions } from './core/contract.js';
import { corePorts, type RoleToken } from './shell/core-ports.js';
import { CoordinatorCore } from './core/core.js';
import { DEFAULT_CORE_OPTIONS } from './core/options.js';
import { ConnectionMeter } from './shell/connection-meter.js';
import { LOCAL_CONNECTION, LocalView } from './shell/local-view.js';
import { MessageMeter } from './shell/message-meter.js';
import { PeerMemory, peerMemoryLimits, type PeerMemoryLimits } from './shell/peer-memory.js';
import { PeerStreams } from './shell/peer-streams.js';
import { readiness } from './shell/readiness.js';
import { takeUpResetKey } from './shell/reset-key.js';
import { readCollection, takeUpTasks } from './shell/take-up.js';
import { BANK_OPTIONS, bankPorts } from './core/reasoning/bank-options.js';
import { leastLoaded, type RoutingPolicy } from './core/tasks/routing.js';
import { PatternErrands } from './shell/pattern-errands.js';
import { takeUpBank } from './shell/take-up-bank.js';
import { DEFAULT_RETENTION, Retention } from './shell/retention.js';
import { StoreErrands } from './shell/store-errands.js';
import { TaskSpans } from './shell/task-spans.js';
import { DEFAULT_TICKET_KEY_LIFETIME_MS, nonceLifetime, TicketKeys } from './shell/ticket-keys.js';
import { DEFAULT_RECYCLE, type RecycleRule } from './shell/wear.js';

/** What a timer of the process can tell apart. */
const COMMIT_HOLD_MS = 2;

/** Of a coordinator: its transport, store and limits. Durations in milliseconds. */
export interface CoordinatorOptions extends Partial<
  Omit<CoreOptions, 'builtInKinds' | 'clientsMayStop' | 'logLevelMayChange' | 'routing'>
> {
  /** How an agent is chosen among those with credit: by load (default), by what it was worth so far, or by a policy of one's own. */
  readonly routing?: RoutingPolicy | 'learned' | 'least-loaded';
  /** For learned routing and the order in which changes of parameters are tried: the same seed and events give the same choices. Default 1. */
  readonly routingSeed?: number;
  readonly listener: TransportListener;
  /** In memory when missing. The coordinator closes it. */
  readonly store?: Store;
  /** Keeps the patterns that were looked for, and what came of them; none are kept when missing. The coordinator closes it. */
  readonly patternStore?: PatternStore;
  /** Agents and clients must present it. */
  readonly joinToken?: string;
  /** Further tokens, each for one role. With any of them, `joinToken` stands for agent and client, else for everything. */
  readonly roleTokens?: readonly RoleToken[];
  /** Gets what operators do and what others are denied, as it is logged. */
  readonly onAudit?: (record: AuditRecord) => void;
  /** Name and version of the software, for status reports. */
  readonly version?: string;
  /** Datagrams dropped by the transport, by reason. */
  readonly dropped?: () => Readonly<Record<string, number>>;
  /** How much of finished tasks the store keeps. */
  readonly retention?: RetentionRule;
  /** How long one key of session tickets serves. Milliseconds; default a day. */
  readonly ticketKeyLifetimeMs?: number;
  /** After how much a connection is to be replaced by a new one. */
  readonly recycle?: RecycleRule;
  /** What peers that do not read, or do not finish what they send, may take. */
  readonly peerMemory?: PeerMemoryLimits;
  /**
   * A client asks the coordinator to stop: `drain` within `timeoutMs` (null: as you see fit), and `close`. Without it such
   * a request is refused.
   */
  readonly onDrainRequest?: (timeoutMs: number | null) => void;
  /** Gets a span of each task, and of its waits and attempts; agents are told to go on below these. */
  readonly spans?: SpanSink;
  /** An operator, by its name, asks that `log` tell more or less. Without it such a request is refused. */
  readonly onLogLevel?: (level: LogLevel, by: string) => void;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** `msg`, `action`, `outcome`, and who it was: `clientId`, `certificate`, `address`, `role`. */
export type AuditRecord = Readonly<Record<string, string | number | boolean | null>>;

interface Peer {
  readonly connection: TransportConnection;
  readonly streams: PeerStreams;
}

/**
 * A coordinator over any transport and store: the shell of CoordinatorCore. It feeds the core with what happens, once
 * a turn lets it decide on all of it, and carries its actions out.
 */
export class Coordinator {
  private readonly options: CoordinatorOptions;
  private readonly coreOptions: CoreOptions;
  private readonly wantedRouting: CoordinatorOptions['routing'];
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly store: Store;
  private readonly errands: StoreErrands;
  private readonly patternErrands: PatternErrands;
  private readonly retention: Retention;
  private readonly ticketKeys: TicketKeys | null;
  private readonly memory: PeerMemory;
  private readonly peers = new Map<string, Peer>();
  private readonly messageMeter = new MessageMeter();
  private readonly connectionMeter = new ConnectionMeter();
  private readonly local = new LocalView({
    tell: (event) => this.tell(event),
    readiness: () => readiness(this.closed ? null : (this.core?.state ?? null)),
  });
  private readonly spans: TaskSpans | null;
  private core: CoordinatorCore | null = null;
  private intakeOpen = true;
  private flushDue = false;
  private microtaskDue = false;
  private cancelTimer: (() => void) | null = null;
  private timerAt = Infinity;
  private draining: Promise<number> | null = null;
  private drained: ((remaining: number) => void) | null = null;
  private closed = false;
  private joinToken: string | undefined;
  private roleTokens: readonly RoleToken[];

  constructor(options: CoordinatorOptions) {
    this.options = options;
    this.joinToken = options.joinToken;
    this.spans = options.spans === undefined ? null : new TaskSpans(options.spans);
    this.roleTokens = options.roleTokens ?? [];
    const { routing, ...others } = options;
    const entries: readonly [string, unknown][] = Object.entries(others);
    const given = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    this.wantedRouting = routing;
    this.coreOptions = {
      ...DEFAULT_CORE_OPTIONS,
      coordinatorId: uuidv7(),
      commitHoldMs: COMMIT_HOLD_MS,
      ...given,
      clientsMayStop: options.onDrainRequest !== undefined,
      logLevelMayChange: options.onLogLevel !== undefined,
      builtInKinds: [...taskKinds.keys()],
    };
    const { maxMessageBytes, ownStreamThresholdBytes } = this.coreOptions;
    const log = (this.log = options.log ?? silentLog);
    const clock = (this.clock = options.clock ?? systemClock);
    const store = (this.store = options.store ?? new MemoryStore());
    const lifetimeMs = options.ticketKeyLifetimeMs ?? DEFAULT_TICKET_KEY_LIFETIME_MS;
    const { listener } = options;
    this.errands = new StoreErrands({
      store,
      clock,
      log,
      nonceLifetimeMs: nonceLifetime(lifetimeMs),
      answer: (event) => this.answered(event),
    });
    this.patternErrands = new PatternErrands({
      store: options.patternStore ?? null,
      log,
      answer: (event) => this.answered(event),
    });
    this.retention = new Retention({ store, clock, log, rule: options.retention ?? DEFAULT_RETENTION });
    this.ticketKeys =
      listener.setTicketKey === undefined
        ? null
        : new TicketKeys({ store, clock, log, lifetimeMs, use: (key) => listener.setTicketKey?.(key) });
    this.memory = new PeerMemory(
      options.peerMemory ?? peerMemoryLimits(maxMessageBytes, ownStreamThresholdBytes),
    );
  }

  /** `HOST:PORT` that agents and clients connect to. */
  get address(): string {
    return this.options.listener.address;
  }

  /** For those in this process that show it. */
  get view(): CoordinatorView {
    return this.local;
  }

  /** What is counted, for metrics; null while it is not running. Takes some turns of the event loop. */
  async figures(): Promise<CoordinatorFigures | null> {
    const connections = await this.connectionMeter.figures(
      [...this.peers.values()].map(({ connection }) => connection),
    );
    const { core } = this;
    if (core === null || this.closed) return null;
    return {
      ...core.figures(this.clock.now()),
      commits: this.errands.commits,
      messages: this.messageMeter.figures(),
      connections,
    };
  }

  /** Takes up what the store holds and begins to accept connections. Rejects when the store cannot be read. */
  async start(): Promise<void> {
    const { clock, store, peers } = this;
    const { listener, patternStore, version = 'unknown', dropped = () => ({}) } = this.options;
    const [{ sessions, ticketKeys, tasks }, counts] = [await store.load(), await store.count()];
    const ports = corePorts({
      clock,
      joinToken: () => this.joinToken,
      roleTokens: () => this.roleTokens,
      log: this.log,
      version,
      dropped,
      connection: (connectionId) => peers.get(connectionId)?.connection,
      patterns: patternStore !== undefined,
    });
    const { wantedRouting, log } = this;
    const { routingSeed: seed = 1 } = this.options;
    const own = bankPorts((now) => ports.random.taskId(now), seed);
    const bank = await takeUpBank(store, BANK_OPTIONS, own, clock.now(), log);
    const routing = routingOf(wantedRouting, bank, seed);
    const options = { ...this.coreOptions, routing };
    const core = new CoordinatorCore(options, ports, clock.now(), {
      sessions,
      counts,
      bank,
      schedules: await readCollection(store, 'schedule'),
      pausedKinds: (await readCollection(store, 'paused-kind')).map(({ key }) => key),
    });
    if (this.spans !== null) core.observeTasks(this.spans.observe);
    await takeUpTasks(tasks, (chunk) => core.recover(chunk, clock.now()));
    await this.ticketKeys?.start(ticketKeys);
    if (listener.setResetKey !== undefined) listener.setResetKey(await takeUpResetKey(store, log));
    if (this.closed) return;
    this.core = core;
    this.handle({ type: 'flush' });
    this.retention.start();
    patternStore?.start().catch((err: unknown) => log.error({ err }, 'the patterns cannot be read'));
    listener.onTurn(() => this.flush());
    listener.onConnection((connection) => this.accept(connection));
  }

  /** What agents and clients must present from now on; those that are connected stay. */
  setJoinToken(joinToken: string): void {
    this.joinToken = joinToken;
  }

  /** The tokens of roles from now on; those that are connected stay what they are. */
  setRoleTokens(tokens: readonly RoleToken[]): void {
    this.roleTokens = tokens;
  }

  /**
   * Takes no new work, tells agents and clients so, and waits for running tasks, at most `timeoutMs`.
   * Resolves with the number of leases that did not end in time. Asked again, it is the same drain, with its first deadline;
   * `close` ends it.
   */
  drain(timeoutMs: number, reason: string): Promise<number> {
    if (this.core === null || this.closed) return Promise.resolve(0);
    this.draining ??= new Promise((resolve) => {
      this.drained = resolve;
      this.handle({ type: 'drain', deadlineMs: timeoutMs, reason });
    });
    return this.draining;
  }

  /** Closes every connection, the listener and the store. Unfinished work stays in the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.drained?.(this.core?.state.tasks.held ?? 0);
    this.cancelTimer?.();
    this.retention.stop();
    this.ticketKeys?.stop();
    this.local.lost();
    try {
      await this.options.patternStore?.close();
      // first: whoever sees the connection closed may open the store
      await this.store.close();
    } finally {
      await this.options.listener.close(ERRORS.GOING_AWAY.code, 'the coordinator stops');
    }
  }

  private accept(connection: TransportConnection): void {
    const connectionId = connection.id;
    const certificate = () => connection.peerCertificate()?.fingerprint ?? null;
    const limits = { ...this.coreOptions, recycle: this.options.recycle ?? DEFAULT_RECYCLE };
    const streams = new PeerStreams(
      connection,
      limits,
      this.memory,
      this.intakeOpen,
      {
        opened: (early) =>
          this.tell({
            type: 'connectionOpened',
            connectionId,
            address: connection.remoteAddress,
            certificate: certificate(),
            ...(early ? { early } : {}),
          }),
        established: () => this.tell({ type: 'established', connectionId, certificate: certificate() }),
        message: (message, payload, early) =>
          this.tell({
            type: 'message',
            connectionId,
            message,
            payload: payload ?? undefined,
            early,
          }),
        laneOpened: () => this.tell({ type: 'laneOpened', connectionId }),
        protocolError: (error) => this.tell({ type: 'protocolError', connectionId, error }),
        closed: (info) => {
          this.peers.delete(connectionId);
          this.connectionMeter.ended(connection);
          const clean =
            info.by === 'peer' && info.layer === 'application' && info.code === ERRORS.NO_ERROR.code;
          const reason =
            info.reason === '' ? `closed by ${info.by} (${info.layer} ${String(info.code)})` : info.reason;
          this.tell({ type: 'connectionLost', connectionId, clean, reason });
        },
      },
      this.messageMeter,
    );
    this.peers.set(connectionId, { connection, streams });
  }

  /** Hands an event to the core; decisions wait for the end of the turn. False when there is no core. */
  private tell(event: CoreEvent): boolean {
    if (this.closed || this.core === null) return false;
    this.flushDue = true;
    this.handle(event);
    // What comes outside the transport's turns (a lost connection found by a timer) is flushed soon as well.
    if (this.microtaskDue) return true;
    this.microtaskDue = true;
    queueMicrotask(this.flushInMicrotask);
    return true;
  }

  private readonly flushInMicrotask = (): void => {
    this.microtaskDue = false;
    this.flush();
  };

  /** The store has answered. */
  private answered(event: CoreEvent): void {
    const { type } = event;
    if (type === 'found' || type === 'listed' || type === 'nonceChecked' || type === 'patternsFound')
      this.tell(event);
    else this.handle(event);
  }

  private flush(): void {
    if (!this.flushDue || this.closed) return;
    this.flushDue = false;
    this.handle({ type: 'flush' });
  }

  private handle(event: CoreEvent): void {
    const { core } = this;
    if (core === null || this.closed) return;
    let actions: readonly Action[] = [];
    try {
      actions = core.handle(event, this.clock.now());
    } catch (err) {
      this.fault(err, event);
    }
    // one that fails must not take along those after it: a commit among them would never end
    for (const action of actions) {
      try {
        this.carryOut(action);
      } catch (err) {
        this.fault(err, action);
      }
    }
    // the flush to come, still in this turn, sets it for all that came before
    if (!this.flushDue) this.armTimer(core.nextDeadline());
  }

  /** A fault of ours. Whoever set it off is cut off, so that it cannot do so again and again; the others go on. */
  private fault(err: unknown, cause: CoreEvent | Action): void {
    this.log.error({ err, cause: cause.type }, 'internal error');
    if ('connectionId' in cause)
      this.peers.get(cause.connectionId)?.streams.close('INTERNAL_ERROR', 'internal error');
  }

  private carryOut(action: Action): void {
    switch (action.type) {
      case 'send': {
        if (action.connectionId === LOCAL_CONNECTION) {
          this.local.receive(action.message, action.payload ?? null);
          return;
        }
        const streams = this.peers.get(action.connectionId)?.streams;
        if (action.message.type === 'AgentAck') streams?.admit('agent');
        if (action.message.type === 'ClientAck') streams?.admit('client');
        streams?.send(action.lane, this.traced(action.message), action.payload ?? null);
        return;
      }
      case 'close':
        if (action.connectionId === LOCAL_CONNECTION) this.local.lost();
        this.peers.get(action.connectionId)?.streams.close(action.error, action.reason);
        return;
      case 'intake':
        this.intakeOpen = action.open;
        for (const { streams } of this.peers.values()) streams.setIntake(action.open);
        return;
      case 'log':
        this.log[action.level](action.fields, action.msg);
        if (action.fields['audit'] === true) this.options.onAudit?.({ msg: action.msg, ...action.fields });
        return;
      case 'logLevel':
        this.options.onLogLevel?.(action.level, action.by);
        return;
      case 'stop':
        this.options.onDrainRequest?.(action.timeoutMs);
        return;
      case 'drained':
        this.drained?.(action.remaining);
        return;
      case 'keepPattern':
      case 'patternOutcome':
      case 'findPatterns':
        this.patternErrands.carryOut(action);
        return;
      default:
        this.errands.carryOut(action);
    }
  }

  /** An agent goes on below the span of the attempt that it is given. */
  private traced(message: Message): Message {
    if (this.spans === null || message.type !== 'AgentTask') return message;
    const task = this.core?.taskBehind(message.taskId);
    return task === undefined ? message : { ...message, traceparent: this.spans.traceparent(task) };
  }

  private armTimer(at: number | null): void {
    const due = at ?? Infinity;
    // A timer that fires too early finds nothing due and is set anew: only an earlier deadline needs another one.
    if (due >= this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = due;
    this.cancelTimer = this.clock.setTimer(due, () => {
      this.timerAt = Infinity;
      this.cancelTimer = null;
      this.handle({ type: 'tick' });
    });
  }
}

function routingOf(
  wanted: CoordinatorOptions['routing'],
  { performance }: ReasoningBank,
  seed: number,
): RoutingPolicy {
  if (wanted === 'learned') return learnedRouting({ performance, seed });
  return wanted === undefined || wanted === 'least-loaded' ? leastLoaded : wanted;
}
