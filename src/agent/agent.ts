import { EventEmitter } from 'node:events';
import { ERRORS } from '../protocol/errors.js';
import { MAX_CONCURRENCY } from '../protocol/limits.js';
import type { Message, MessageOf } from '../protocol/messages.js';
import { systemClock, type Clock } from '../observe/clock.js';
import { silentLog, type Log } from '../observe/log.js';
import { ProcessLoad, type ProcessFacts } from '../observe/process-load.js';
import type { CloseInfo } from '../transport/transport.js';
import { DEFAULT_RECYCLE } from '../protocol/limits.js';
import type { AgentEvents, AgentOptions, StopInfo } from './agent-options.js';
import { HandOver, type HandOverAction, type HandOverEvent } from './hand-over.js';
import { workEventOf } from './incoming.js';
import { Learner } from './learner.js';
import { LinkCore, type LinkAction, type LinkEvent } from './link-core.js';
import { logRun } from './run-log.js';
import { agentHandshake, Registration, type RegistrationListener } from './registration.js';
import { RunOfTask, type TaskListener } from './run-of-task.js';
import { WorkCore, type HeldTask, type WorkAction, type WorkEvent } from './work-core.js';

export type { AgentEvents, AgentOptions, StopInfo } from './agent-options.js';

/** Room for the fields beside a result. */
const HEADER_BYTES = 1024;
const HEARD: LinkEvent = { type: 'heard' };
const NO_ANSWER: CloseInfo = { by: 'timeout', layer: 'transport', code: 0, reason: '' };

/**
 * A worker of the swarm: keeps a connection to a coordinator, takes tasks, runs them, hands over their results.
 * Carries out what LinkCore, HandOver and WorkCore decide; emits `registered`, `recycled`, `disconnected`, `adaptation`,
 * `logLevel` and, last, `stopped`.
 */
export class Agent extends EventEmitter<AgentEvents> {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #facts: () => ProcessFacts;
  readonly #link: LinkCore;
  readonly #handOver: HandOver;
  readonly #work: WorkCore;
  readonly #learner: Learner;
  readonly #stopped: Promise<StopInfo>;
  #current: Registration | null = null;
  /** What `current` is being replaced by. */
  #successor: Registration | null = null;
  /** A handshake was sent to replace it: when the coordinator closes it for that, nobody else has done it. */
  #challenged: Registration | null = null;
  /** Tasks that came on `current` after the successor's handshake: they count only if that one fails. */
  #heldBack: WorkEvent[] = [];
  /** What the coordinator believes. */
  #toldCredit: number;
  #origins = 0;
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(options: AgentOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    const processLoad = new ProcessLoad();
    this.#facts = options.facts ?? (() => processLoad.sample());
    const { addresses, reconnectMinMs, reconnectMaxMs, concurrency, abortGraceMs, maxOutboxBytes } = options;
    const { state, outbox = state?.outbox, random = Math.random } = options;
    this.#link = new LinkCore({
      addresses,
      random,
      sessionToken: state?.session?.sessionToken ?? null,
      ...(reconnectMinMs === undefined ? {} : { reconnectMinMs }),
      ...(reconnectMaxMs === undefined ? {} : { reconnectMaxMs }),
    });
    this.#handOver = new HandOver({ random });
    this.#work = new WorkCore({
      concurrency,
      ...(abortGraceMs === undefined ? {} : { abortGraceMs }),
      ...(outbox === undefined ? {} : { outbox }),
      ...(maxOutboxBytes === undefined ? {} : { maxOutboxBytes }),
    });
    this.#learner = new Learner(options, this.#clock, this.#log, {
      send: (message) => this.#send(message),
      adapted: (command) => this.emit('adaptation', command),
    });
    this.#toldCredit = concurrency;
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

  // ---- the cores

  #tellLink(event: LinkEvent): void {
    const was = this.#link.phase?.state;
    const actions = this.#link.handle(event, this.#clock.now());
    const is = this.#link.phase?.state;
    if (was === 'registered' && is !== 'registered') this.#tellHandOver({ type: 'lost' });
    for (const action of actions) this.#doLink(action);
    if (was === 'registered' && is !== 'registered') this.emit('disconnected');
    this.#setTimer();
  }

  #tellHandOver(event: HandOverEvent): void {
    for (const action of this.#handOver.handle(event, this.#clock.now())) this.#doHandOver(action);
    this.#setTimer();
  }

  #tellWork(event: WorkEvent): void {
    for (const action of this.#work.handle(event, this.#clock.now())) this.#doWork(action);
    this.#tellCredit();
    this.#setTimer();
    this.#stopWhenDrained();
  }

  #doLink(action: LinkAction): void {
    switch (action.type) {
      case 'connect':
        this.#current = this.#connect(action.address, this.#asCurrent);
        return;
      case 'handshake':
        this.#shakeHands(this.#current, action.sessionToken, action.early);
        return;
      case 'forget-session':
        void this.#options.state?.saveSession(null);
        return;
      case 'heartbeat':
        this.#send(this.#heartbeat(action.sequence));
        return;
      case 'drain-notice':
        this.#send({ type: 'DrainNotice', reason: 'the agent stops', deadlineMs: action.deadlineMs });
        return;
      case 'abandon':
        this.#tellWork({ type: 'abandon' });
        return;
      case 'close':
        this.#current?.connection.close(action.code, action.reason);
        this.#current = null;
        return;
      case 'stop':
        this.#stop({ reason: action.reason, permanent: action.permanent });
        return;
      case 'log':
        this.#log[action.level]({ agentId: this.agentId, ...action.fields }, action.message);
        return;
    }
  }

  #doHandOver(action: HandOverAction): void {
    const { phase } = this.#link;
    switch (action.type) {
      case 'begin':
        if (phase?.state !== 'registered') return;
        this.#successor = this.#connect(phase.address, this.#asSuccessor);
        this.#tellCredit();
        return;
      case 'handshake':
        this.#challenged = this.#current;
        this.#shakeHands(this.#successor, this.#link.sessionToken, false);
        return;
      case 'switch':
        // The coordinator has left the first one already, and sends what was lost on it again.
        this.#heldBack = [];
        this.#current?.connection.close(
          ERRORS.CONNECTION_RECYCLED.code,
          'the agent goes on with a new connection',
        );
        this.#current = this.#successor;
        this.#successor = null;
        return;
      case 'give-up':
        this.#successor?.connection.close(ERRORS.NO_ERROR.code, 'not needed');
        this.#successor = null;
        this.#takeHeldBack();
        return;
    }
  }

  #doWork(action: WorkAction): void {
    switch (action.type) {
      case 'run':
        this.#run(action.task);
        return;
      case 'abort':
        action.task.run?.abort();
        return;
      case 'terminate':
        action.task.run?.terminate();
        return;
      case 'answer':
        // Without a connection it waits in the outbox for the next one.
        if (this.#isRegistered) this.#current?.connection.answer(action.origin, action.answer);
        return;
      case 'release':
        this.#current?.connection.leave(action.origin);
        return;
      case 'progress':
        this.#send(action.message);
        return;
    }
  }

  #run(task: HeldTask): void {
    const listener = new RunOfTask(task, this.#runListener);
    task.run = this.#options.runner.start(this.#learner.request(task), listener);
  }

  readonly #runListener: TaskListener = {
    progress: ({ lease }, fraction, note) =>
      this.#tellWork({ type: 'progress', lease, fraction, ...(note === undefined ? {} : { note }) }),
    finished: (task, outcome) => {
      task.run = null;
      logRun(this.#log, this.agentId, task, outcome);
      this.#tellWork({ type: 'finished', lease: task.lease, outcome });
    },
  };

  // ---- connections

  #connect(address: string, role: (of: () => Registration) => RegistrationListener): Registration {
    const { connector, recycle = DEFAULT_RECYCLE } = this.#options;
    const made: Registration = new Registration(
      address,
      connector(address),
      role(() => made),
      () => this.#origins++,
      recycle,
    );
    return made;
  }

  /** What is done with what the connection of the link tells. */
  readonly #asCurrent = (of: () => Registration): RegistrationListener => ({
    established: () => this.#tellLink({ type: 'established' }),
    earlyDataRefused: () => this.#tellLink({ type: 'early-data-refused' }),
    accepted: (ack) => this.#accept(of(), ack, 'accepted'),
    retryAfter: (retryAfterMs) => this.#tellLink({ type: 'retry-after', retryAfterMs }),
    closed: (info) => this.#closed(of(), info),
    ...this.#always(of),
  });

  /** What is done with what a second connection tells; once it has taken over, the same as with the first. */
  readonly #asSuccessor = (of: () => Registration): RegistrationListener => {
    let retryAfterMs = 0;
    return {
      established: () => this.#tellHandOver({ type: 'established' }),
      earlyDataRefused: () => undefined,
      accepted: (ack) => {
        this.#tellHandOver({ type: 'accepted' });
        if (of() === this.#current) this.#accept(of(), ack, 'handed-over');
      },
      retryAfter: (ms) => (retryAfterMs = ms),
      closed: (info) => {
        if (of() === this.#current) this.#closed(of(), info);
        else this.#successorClosed(info, retryAfterMs);
      },
      ...this.#always(of),
    };
  };

  #always(
    of: () => Registration,
  ): Pick<RegistrationListener, 'message' | 'taskReset' | 'usedUp' | 'ignored'> {
    return {
      message: (message, payload, origin) => this.#receive(message, payload, origin),
      taskReset: ({ taskId, epoch }) => this.#take({ type: 'cancel', taskId, epoch, reason: 'cancelled' }),
      usedUp: () => {
        if (of() === this.#current) this.#tellHandOver({ type: 'used-up' });
      },
      ignored: ({ type }) =>
        this.#log.warn({ agentId: this.agentId, messageType: type }, 'message before AgentAck ignored'),
    };
  }

  #closed(registration: Registration, info: CloseInfo): void {
    if (registration !== this.#current) return;
    this.#current = null;
    // The second connection has taken its place, as far as the coordinator is concerned: AgentAck tells, or its end.
    if (this.#handOver.state === 'handshaking') return;
    const byUs = registration === this.#challenged && info.code === ERRORS.SESSION_REPLACED.code;
    this.#tellLink({
      type: 'closed',
      info: byUs ? { ...info, code: ERRORS.CONNECTION_RECYCLED.code } : info,
    });
  }

  #successorClosed(info: CloseInfo, retryAfterMs: number): void {
    this.#successor = null;
    this.#tellHandOver({ type: 'refused', retryAfterMs });
    this.#leaveWithoutConnection(info);
  }

  /** A hand-over has failed, and the first connection was closed for it. */
  #leaveWithoutConnection(info: CloseInfo): void {
    if (this.#current !== null || this.#successor !== null || !this.#isRegistered) return;
    this.#tellLink({ type: 'closed', info });
  }

  #shakeHands(registration: Registration | null, sessionToken: string | null, early: boolean): void {
    const handshake = agentHandshake(this.#options, sessionToken, this.#work.leases(), early);
    registration?.connection.sendHandshake(handshake);
  }

  #accept(registration: Registration, ack: MessageOf<'AgentAck'>, how: 'accepted' | 'handed-over'): void {
    const { connection, address } = registration;
    const { sessionToken, coordinatorId, resumed, configuration, abortedTasks } = ack;
    const { heartbeatIntervalMs, maxMessageBytes } = configuration;
    const { state, concurrency } = this.#options;
    if (state !== undefined) {
      connection.withhold();
      void state.saveSession({ coordinatorId, sessionToken }).then(() => connection.release());
    }
    connection.openAssigned(ack);
    this.#learner.joined(resumed);
    this.#toldCredit = concurrency;
    this.#tellLink({ type: how, sessionToken, heartbeatIntervalMs });
    const maxResultBytes = Math.max(0, maxMessageBytes - HEADER_BYTES);
    this.#tellWork({ type: 'registered', abortedTasks, maxResultBytes });
    this.#log.info({ agentId: this.agentId, coordinatorId, address, resumed }, 'registered');
    if (how === 'accepted') this.emit('registered', { coordinatorId, address, resumed });
    else this.emit('recycled');
  }

  get #isRegistered(): boolean {
    return this.#link.phase?.state === 'registered';
  }

  #send(message: Message): void {
    if (this.#isRegistered) this.#current?.connection.send(message);
  }

  // ---- messages

  #receive(message: Message, payload: Uint8Array | null, origin: number): void {
    // It leads to no action, and the next deadline is no earlier for it.
    this.#link.handle(HEARD, this.#clock.now());
    if (message.type === 'ErrorReport') this.#noteRefusal(message);
    else if (message.type === 'AdaptationCommand') this.#learner.adapt(message);
    else if (message.type === 'LogLevelCommand') this.emit('logLevel', message.level);
    else if (message.type === 'ReasoningExperience') this.#learner.judge(message);
    else if (message.type === 'DrainNotice')
      this.#log.info({ agentId: this.agentId, reason: message.reason }, 'the coordinator drains');
    const event = workEventOf(message, payload, origin);
    if (event !== null) this.#take(event);
  }

  /** A task that comes after the successor's handshake waits for its end; a cancellation is good for both cases. */
  #take(event: WorkEvent): void {
    if (
      event.type === 'task' &&
      this.#handOver.state === 'handshaking' &&
      this.#heldBack.length < MAX_CONCURRENCY
    ) {
      this.#heldBack.push(event);
      return;
    }
    if (event.type === 'cancel' && this.#heldBack.length > 0) this.#heldBack.push(event);
    this.#tellWork(event);
  }

  #takeHeldBack(): void {
    const events = this.#heldBack.splice(0);
    if (this.#link.phase === null) return;
    for (const event of events) this.#tellWork(event);
    this.#tellCredit();
  }

  #noteRefusal(report: MessageOf<'ErrorReport'>): void {
    const { code, name, message: reason, messageType, taskId, retryAfterMs } = report;
    if (retryAfterMs !== undefined && taskId === undefined) {
      this.#tellLink({ type: 'retry-after', retryAfterMs });
    }
    const level = code === ERRORS.STALE_LEASE.code ? 'debug' : 'warn';
    const fields = { agentId: this.agentId, error: name, reason, messageType, taskId };
    this.#log[level](fields, 'the coordinator refused a message');
  }

  #heartbeat(sequence: number): MessageOf<'HeartbeatMessage'> {
    const { load, memoryBytes } = this.#facts();
    const credit = this.#credit;
    // Said again with each heartbeat as long as it is not what the handshake said.
    const concurrency = credit === this.#options.concurrency && credit === this.#toldCredit ? null : credit;
    this.#toldCredit = credit;
    return {
      type: 'HeartbeatMessage',
      sequence,
      sentAt: this.#clock.now(),
      load: Math.min(1, Math.max(0, load)),
      activeTasks: this.#work.active,
      queuedTasks: this.#work.queued,
      memoryBytes: Math.max(0, Math.round(memoryBytes)),
      ...(concurrency === null ? {} : { concurrency }),
    };
  }

  /** Nothing new while the connection is being replaced: what is dispatched now may miss the change. */
  get #credit(): number {
    return this.#handOver.underWay ? 0 : this.#work.credit;
  }

  #tellCredit(): void {
    if (this.#isRegistered && this.#credit !== this.#toldCredit) this.#tellLink({ type: 'beat' });
  }

  // ---- the end

  #stopWhenDrained(): void {
    if (this.#link.state.state === 'draining' && this.#work.idle) this.#tellLink({ type: 'drained' });
  }

  #stop(info: StopInfo): void {
    for (const { run } of [...this.#work.running()]) run?.terminate();
    this.#learner.close();
    this.#setTimer();
    this.emit('stopped', info);
  }

  /** One timer for all cores; what is due anyway is not set again. */
  #setTimer(): void {
    const stopped = this.#link.state.state === 'stopped';
    const { nextDeadline } = this.#handOver;
    const at = stopped ? Infinity : Math.min(this.#link.nextDeadline, this.#work.nextDeadline, nextDeadline);
    if (this.#timer !== null && this.#timer.at <= at && !stopped) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const cancel = this.#clock.setTimer(at, () => {
      this.#timer = null;
      this.#tellLink({ type: 'tick' });
      this.#tellWork({ type: 'tick' });
      const { receiving = 0, arrivals = 0 } = this.#current?.connection ?? {};
      this.#tellHandOver({ type: 'tick', receiving, arrivals });
      this.#leaveWithoutConnection(NO_ANSWER);
    });
    this.#timer = { at, cancel };
  }
}
