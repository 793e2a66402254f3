import { EventEmitter } from 'node:events';
import { explainClose } from '../protocol/close-words.js';
import { errorOfReport, ERRORS } from '../protocol/errors.js';
import { PROTOCOL_VERSIONS } from '../protocol/limits.js';
import type { AgentType, Message, MessageOf } from '../protocol/messages.js';
import { systemClock, type Clock } from '../observe/clock.js';
import { silentLog, type Log } from '../observe/log.js';
import { ProcessLoad, type ProcessFacts } from '../observe/process-load.js';
import { kindsOfAgent } from '../tasks/registry.js';
import type { CloseInfo, TransportConnector } from '../transport/transport.js';
import { AgentConnection } from './agent-connection.js';
import { LinkCore, type LinkAction, type LinkEvent } from './link-core.js';
import type { Outbox } from './outbox.js';
import type { Run, TaskRunner } from './runner.js';
import { WorkCore, type HeldTask, type WorkAction, type WorkEvent } from './work-core.js';

export interface AgentOptions {
  /** Unique among the agents of a coordinator: 1 to 128 of letters, digits and `._:@-`. */
  readonly agentId: string;
  readonly agentType: AgentType;
  /** Tasks at once: the credit it gives to the coordinator. 1 to 4096. */
  readonly concurrency: number;
  /** `HOST:PORT` of the coordinators to try, in this order. */
  readonly addresses: readonly string[];
  readonly connector: TransportConnector;
  /** What runs the tasks. Agents of one process may share one; whoever made it closes it. */
  readonly runner: TaskRunner;
  /** Kinds of task it takes. Default: those of its type and those that the runner has beside. */
  readonly kinds?: readonly string[];
  readonly joinToken?: string;
  /** Name and version of the program, for the coordinator's log. */
  readonly software?: string;
  /** Milliseconds; default 100. */
  readonly reconnectMinMs?: number;
  /** Milliseconds; default 30,000. */
  readonly reconnectMaxMs?: number;
  /** From the abort of a task to its end by force. Milliseconds; default 2,000. */
  readonly abortGraceMs?: number;
  readonly outbox?: Outbox;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Load and memory for heartbeats. */
  readonly facts?: () => ProcessFacts;
  readonly log?: Log;
}

export interface StopInfo {
  /** One line for people. */
  readonly reason: string;
  /** Refused in a way that trying again cannot mend; a command exits with status 4. */
  readonly permanent: boolean;
}

interface AgentEvents {
  registered: [{ coordinatorId: string; address: string; resumed: boolean }];
  disconnected: [];
  adaptation: [MessageOf<'AdaptationCommand'>];
  stopped: [StopInfo];
}

/** Room for the fields beside a result. */
const HEADER_BYTES = 1024;
/** When a coordinator that could not store a result does not say when to try again. */
const RESEND_MS = 1000;

/**
 * A worker of the swarm: keeps a connection to a coordinator, takes tasks, runs them, hands over their results.
 * Carries out what LinkCore and WorkCore decide; emits `registered`, `disconnected`, `adaptation` and, last, `stopped`.
 */
export class Agent extends EventEmitter<AgentEvents> {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #facts: () => ProcessFacts;
  readonly #link: LinkCore;
  readonly #work: WorkCore;
  readonly #runs = new Map<string, Run>();
  readonly #stopped: Promise<StopInfo>;
  #connection: AgentConnection | null = null;
  #origins = 0;
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(options: AgentOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    const processLoad = new ProcessLoad();
    this.#facts = options.facts ?? (() => processLoad.sample());
    const { addresses, reconnectMinMs, reconnectMaxMs, concurrency, abortGraceMs, outbox } = options;
    this.#link = new LinkCore({
      addresses,
      random: options.random ?? Math.random,
      ...(reconnectMinMs === undefined ? {} : { reconnectMinMs }),
      ...(reconnectMaxMs === undefined ? {} : { reconnectMaxMs }),
    });
    this.#work = new WorkCore({
      concurrency,
      ...(abortGraceMs === undefined ? {} : { abortGraceMs }),
      ...(outbox === undefined ? {} : { outbox }),
    });
    this.#stopped = new Promise((resolve) => this.once('stopped', resolve));
  }

  get agentId(): string {
    return this.#options.agentId;
  }

  get state(): LinkCore['state']['state'] {
    return this.#link.state.state;
  }

  /** Tasks that run. */
  get activeTasks(): number {
    return this.#work.active;
  }

  /** Begins to connect, and goes on for ever: until `drain`, `close` or a refusal for good. */
  start(): void {
    this.#tellLink({ type: 'start' });
  }

  /**
   * Takes no new tasks, finishes what runs within `timeoutMs`, hands all results over, and stops. What is not done by
   * then goes back to the coordinator. Resolves when stopped.
   */
  drain(timeoutMs: number): Promise<StopInfo> {
    this.#tellLink({ type: 'drain', timeoutMs });
    this.#stopWhenDrained();
    return this.#stopped;
  }

  /** Stops at once; the coordinator gives its tasks to others. */
  close(): Promise<StopInfo> {
    this.#tellLink({ type: 'stop' });
    return this.#stopped;
  }

  #tellLink(event: LinkEvent): void {
    const was = this.#link.phase?.state;
    const actions = this.#link.handle(event, this.#clock.now());
    const is = this.#link.phase?.state;
    for (const action of actions) this.#doLink(action);
    if (was === 'registered' && is !== 'registered') this.emit('disconnected');
    this.#setTimer();
  }

  #tellWork(event: WorkEvent): void {
    for (const action of this.#work.handle(event, this.#clock.now())) this.#doWork(action);
    this.#setTimer();
    this.#stopWhenDrained();
  }

  #doLink(action: LinkAction): void {
    switch (action.type) {
      case 'connect':
        this.#connect(action.address);
        return;
      case 'handshake':
        this.#connection?.openControl(this.#handshake(action.sessionToken));
        return;
      case 'heartbeat':
        this.#connection?.send(this.#heartbeat(action.sequence));
        return;
      case 'drain-notice':
        this.#connection?.send({
          type: 'DrainNotice',
          reason: 'the agent stops',
          deadlineMs: action.deadlineMs,
        });
        return;
      case 'abandon':
        this.#tellWork({ type: 'abandon' });
        return;
      case 'close':
        this.#connection?.close(action.code, action.reason);
        this.#connection = null;
        return;
      case 'stop':
        this.#stop({ reason: action.reason, permanent: action.permanent });
        return;
      case 'log':
        this.#log[action.level]({ agentId: this.agentId, ...action.fields }, action.message);
        return;
    }
  }

  #doWork(action: WorkAction): void {
    switch (action.type) {
      case 'run':
        this.#run(action.task);
        return;
      case 'abort':
        this.#runs.get(action.key)?.abort();
        return;
      case 'terminate':
        this.#runs.get(action.key)?.terminate();
        return;
      case 'answer':
        // Without a connection it waits in the outbox for the next one.
        if (this.#link.phase?.state === 'registered') this.#connection?.answer(action.origin, action.answer);
        return;
      case 'release':
        this.#connection?.release(action.origin);
        return;
      case 'progress':
        if (this.#link.phase?.state === 'registered') this.#connection?.send(action.message);
        return;
    }
  }

  #run(task: HeldTask): void {
    const { key, kind, payload } = task;
    const run = this.#options.runner.start(
      { taskId: task.lease.taskId, kind, payload },
      {
        progress: (fraction, note) => {
          this.#tellWork({ type: 'progress', key, fraction, ...(note === undefined ? {} : { note }) });
        },
        finished: (outcome) => {
          this.#runs.delete(key);
          this.#tellWork({ type: 'finished', key, outcome });
        },
      },
    );
    this.#runs.set(key, run);
  }

  #connect(address: string): void {
    const connection = new AgentConnection(
      this.#options.connector(address),
      {
        established: () => this.#tellLink({ type: 'established' }),
        message: (message, payload, origin) => this.#receive(address, message, payload, origin),
        taskReset: ({ taskId, epoch }) => {
          this.#tellWork({ type: 'cancel', taskId, epoch, reason: 'cancelled' });
        },
        closed: (info) => {
          this.#connection = null;
          this.#tellLink({ type: 'closed', info });
        },
      },
      () => this.#origins++,
    );
    this.#connection = connection;
  }

  #receive(address: string, message: Message, payload: Uint8Array | null, origin: number): void {
    if (this.#link.phase?.state === 'handshaking') {
      this.#receiveFirst(address, message);
      return;
    }
    this.#tellLink({ type: 'heard' });
    switch (message.type) {
      case 'AgentTask':
        // A copy: the view ends with this call, the task does not.
        this.#tellWork({ type: 'task', message, payload: new Uint8Array(payload ?? []), origin });
        return;
      case 'CancelTask': {
        const { taskId, epoch, reason } = message;
        this.#tellWork({ type: 'cancel', taskId, epoch, reason });
        return;
      }
      case 'MessageAck':
        if (message.status === 'processed') {
          this.#tellWork({ type: 'settled', taskIds: message.taskIds });
        }
        return;
      case 'ErrorReport':
        this.#receiveError(message);
        return;
      case 'DrainNotice':
        this.#log.info({ agentId: this.agentId, reason: message.reason }, 'the coordinator drains');
        return;
      case 'AdaptationCommand':
        this.emit('adaptation', message);
        return;
      default:
        // HeartbeatMessage: that it was heard is all there is to it.
        return;
    }
  }

  #receiveFirst(address: string, message: Message): void {
    switch (message.type) {
      case 'AgentAck':
        this.#accept(address, message);
        return;
      case 'ErrorReport':
        if (message.retryAfterMs !== undefined) {
          this.#tellLink({ type: 'retry-after', retryAfterMs: message.retryAfterMs });
        }
        this.#giveUp({ by: 'peer', layer: 'application', code: message.code, reason: message.message });
        return;
      default:
        // Nothing else has a meaning before AgentAck.
        this.#log.warn({ agentId: this.agentId, type: message.type }, 'message before AgentAck ignored');
        return;
    }
  }

  #accept(address: string, ack: MessageOf<'AgentAck'>): void {
    if (!PROTOCOL_VERSIONS.some((version) => version === ack.protocolVersion)) {
      const reason = `the coordinator chose protocol version ${ack.protocolVersion}; offered ${PROTOCOL_VERSIONS.join(', ')}`;
      const { code } = ERRORS.UNSUPPORTED_VERSION;
      this.#giveUp({ by: 'local', layer: 'application', code, reason });
      return;
    }
    const { sessionToken, coordinatorId, resumed, configuration, abortedTasks } = ack;
    this.#connection?.openAssigned(ack);
    const { heartbeatIntervalMs, maxMessageBytes } = configuration;
    this.#tellLink({ type: 'accepted', sessionToken, heartbeatIntervalMs });
    this.#tellWork({
      type: 'registered',
      abortedTasks,
      maxResultBytes: Math.max(0, maxMessageBytes - HEADER_BYTES),
    });
    this.#log.info({ agentId: this.agentId, coordinatorId, address, resumed }, 'registered');
    this.emit('registered', { coordinatorId, address, resumed });
  }

  /** Ends a connection whose handshake failed; the link decides what that means. */
  #giveUp(info: CloseInfo): void {
    this.#connection?.close(ERRORS.NO_ERROR.code, explainClose(info).text);
    this.#connection = null;
    this.#tellLink({ type: 'closed', info });
  }

  #receiveError(report: MessageOf<'ErrorReport'>): void {
    const error = errorOfReport(report);
    const { taskId, retryAfterMs } = error;
    if (retryAfterMs !== undefined && taskId === undefined) {
      this.#tellLink({ type: 'retry-after', retryAfterMs });
    }
    const level = error.name === 'STALE_LEASE' ? 'debug' : 'warn';
    const { messageType } = error;
    const fields = { agentId: this.agentId, error: report.name, reason: error.message, messageType, taskId };
    this.#log[level](fields, 'the coordinator refused a message');
    if (taskId === undefined) return;
    if (error.name === 'STALE_LEASE') this.#tellWork({ type: 'stale', taskId });
    else if (error.permanent) this.#tellWork({ type: 'settled', taskIds: [taskId] });
    else this.#tellWork({ type: 'unstored', taskId, retryAfterMs: retryAfterMs ?? RESEND_MS });
  }

  #handshake(sessionToken: string | null): MessageOf<'AgentHandshake'> {
    const { agentId, agentType, concurrency, joinToken, runner } = this.#options;
    return {
      type: 'AgentHandshake',
      protocolVersions: [...PROTOCOL_VERSIONS],
      agentId,
      agentType,
      kinds: [...new Set(this.#options.kinds ?? [...kindsOfAgent(agentType), ...runner.ownKinds])],
      concurrency,
      software: this.#options.software ?? 'quic-swarm',
      ...(joinToken === undefined ? {} : { joinToken }),
      ...(sessionToken === null ? {} : { sessionToken, leases: this.#work.leases() }),
    };
  }

  #heartbeat(sequence: number): MessageOf<'HeartbeatMessage'> {
    const { load, memoryBytes } = this.#facts();
    return {
      type: 'HeartbeatMessage',
      sequence,
      sentAt: this.#clock.now(),
      load: Math.min(1, Math.max(0, load)),
      activeTasks: this.#work.active,
      queuedTasks: this.#work.queued,
      memoryBytes: Math.max(0, Math.round(memoryBytes)),
    };
  }

  #stopWhenDrained(): void {
    if (this.#link.state.state === 'draining' && this.#work.idle) this.#tellLink({ type: 'drained' });
  }

  #stop(info: StopInfo): void {
    for (const run of this.#runs.values()) run.terminate();
    this.#setTimer();
    this.emit('stopped', info);
  }

  /** One timer for both cores; what is due anyway is not set again. */
  #setTimer(): void {
    const stopped = this.#link.state.state === 'stopped';
    const at = stopped ? Infinity : Math.min(this.#link.nextDeadline, this.#work.nextDeadline);
    if (this.#timer !== null && this.#timer.at <= at && !stopped) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const cancel = this.#clock.setTimer(at, () => {
      this.#timer = null;
      this.#tellLink({ type: 'tick' });
      this.#tellWork({ type: 'tick' });
    });
    this.#timer = { at, cancel };
  }
}
