import { randomBytes } from 'node:crypto';
import { ProtocolError } from '../protocol/errors.js';
import type { Message, MessageOf, RecurringSummary, TaskSummary } from '../protocol/messages.js';
import { decodeValue } from '../protocol/value.js';
import { deferred, settle } from './deferred.js';
import { systemClock } from '../observe/clock.js';
import { CoordinatorUnreachable, Refused, TaskRejected } from './errors.js';
import { isReasoningReport, type ReasoningReport, type TaskWorth } from './reasoning.js';
import { patternsBody, type PatternQuery, type PatternReport } from './patterns.js';
import { recurringBody, type RecurringRequest } from './recurring.js';
import { Requests, type RequestAction, type RequestBody } from './requests.js';
import { Session, type SessionOptions } from './session.js';
import { inSubmitSpan, isTraced } from './submit-span.js';
import {
  encodeInput,
  outcomeOf,
  submitBody,
  type TaskOutcome,
  type TaskQuery,
  type TaskReport,
  type TaskRequest,
} from './task.js';
import { Turnstile } from './turnstile.js';

/** Of a client: where coordinators are, and how long to try. */
export interface ClientOptions extends SessionOptions {
  /** Over all addresses. Milliseconds; default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long to try for a new connection when one is lost while requests are open. Watched tasks, questions, and submits
   * with an idempotency key then go on as if nothing had happened. Milliseconds; default 30,000; 0: never; Infinity: for
   * as long as it takes.
   */
  readonly reattachTimeoutMs?: number;
  /** Submits sent and not yet acknowledged, at most; further ones wait. Default 1,024. */
  readonly maxUnacknowledged?: number;
  /**
   * Give each submit that has no idempotency key one of its own, so that it may be sent again when the connection is lost
   * before its answer came. Default false: the coordinator keeps each key for a while (--idempotency-window), and a submit that loses its
   * connection rejects although its task may have been stored.
   */
  readonly ownKeys?: boolean;
}

/** Of one submit. */
export interface SubmitOptions {
  /** Aborted before the task is accepted: the submit rejects with the signal's reason, and a task already sent is cancelled. */
  readonly signal?: AbortSignal;
  /** Have the outcome sent as soon as it is there (default). False saves that when nobody will ask. */
  readonly watch?: boolean;
}

/** Of waiting for the end of a task. */
export interface WatchOptions {
  /** Aborted: stops waiting; the task goes on. */
  readonly signal?: AbortSignal;
  /** Called with each state that the coordinator tells on the way. */
  readonly onUpdate?: (task: TaskSummary) => void;
}

/** A task that the coordinator has stored. */
export interface SubmittedTask {
  readonly taskId: string;
  /** How it ended. Rejects with CoordinatorUnreachable when the connection is lost for good. */
  result(): Promise<TaskOutcome>;
}

/** What the one who made a request wants to hear. */
interface Waiting {
  accepted?(taskId: string): void;
  update?(task: TaskSummary): void;
  answered(message: Message, payload: Uint8Array | null): void;
  failed(error: Error): void;
}

/** How often a draining coordinator is asked whether it is still there. */
const DRAIN_LOOK_MS = 10_000;
/** Payloads of unacknowledged submits together; one larger than this goes alone. */
const MAX_UNACKNOWLEDGED_BYTES = 64 * 1024 * 1024;
/** Encoded inputs of submits that wait for their turn; beyond it an input is encoded again when its turn has come. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Submits tasks and waits for them, asks for states; any number of requests at a time over one connection, which is
 * made with the first request and again when it is lost.
 *
 * Requests reject with CoordinatorUnreachable, Refused (both: the connection) or TaskRejected (this request).
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #requests = new Requests();
  readonly #waiting = new Map<number, Waiting>();
  /** Submits that wait for a connection with room for them. */
  readonly #submits: Turnstile;
  #connected = deferred<undefined>();
  /** A coordinator has said that it stops. */
  readonly #coordinatorLeft = deferred<undefined>();
  /** Nobody else's keys begin with it. Keys that follow each other lie side by side in the coordinator's index. */
  readonly #keyPrefix: string | null;
  #keys = 0;
  #waitingBytes = 0;
  readonly #session: Session;

  /** @throws RangeError without an address. */
  constructor(options: ClientOptions) {
    if (options.addresses.length === 0)
      throw new RangeError('a client needs at least one coordinator address');
    this.#options = options;
    this.#keyPrefix = options.ownKeys === true ? randomBytes(16).toString('base64url') : null;
    this.#session = new Session(options, {
      ready: () => {
        for (const action of this.#requests.reconnect()) this.#do(action);
        this.#connected.resolve(undefined);
        this.#submits.turn();
      },
      message: (message, payload) => {
        for (const action of this.#requests.receive(message, payload)) this.#do(action);
        this.#leaveWhenAnswered();
        this.#submits.turn();
      },
      replaced: () => {
        for (const action of this.#requests.moveOn()) this.#do(action);
        this.#leaveWhenAnswered();
        this.#submits.turn();
      },
      left: () => {
        for (const action of this.#requests.giveUpLeftBehind()) this.#do(action);
      },
      drained: () => this.#submits.turn(),
      lost: (problem, goingAway) => {
        if (goingAway) this.#coordinatorLeft.resolve(undefined);
        this.#lost(problem);
      },
      failed: (error) => this.#rejectAll(error),
    });
    const maxUnacknowledged = options.maxUnacknowledged ?? 1024;
    this.#submits = new Turnstile(
      () =>
        this.#session.state === 'ready' &&
        !this.#session.congested &&
        this.#requests.unacknowledged < maxUnacknowledged &&
        this.#requests.unacknowledgedBytes < MAX_UNACKNOWLEDGED_BYTES,
    );
  }

  /**
   * A client with a connection.
   * @throws CoordinatorUnreachable, Refused.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const client = new Client(options);
    client.#session.dial(client.#connectTimeoutMs);
    await client.#connected.promise;
    return client;
  }

  /**
   * Resolves when the coordinator has stored the task. Waits while too many submits are unacknowledged, and across lost
   * connections. Do not change the input before it resolves.
   * @throws TaskInputError before anything is sent, when the kind is built in and the input does not fit it.
   */
  submit(request: TaskRequest, options: SubmitOptions = {}): Promise<SubmittedTask> {
    if (request.traceparent !== undefined || !isTraced()) return this.#submit(request, options);
    return inSubmitSpan(request, (traced) => this.#submit(traced, options));
  }

  async #submit(request: TaskRequest, options: SubmitOptions): Promise<SubmittedTask> {
    const { signal } = options;
    signal?.throwIfAborted();
    const payload = encodeInput(request);
    // Nothing is awaited while there is room: what follows uses it up.
    if (this.#submits.isOpen) return this.#submitInTurn(request, payload, options);
    const size = payload.byteLength;
    const kept = this.#waitingBytes + size <= MAX_WAITING_BYTES ? payload : null;
    if (kept !== null) this.#waitingBytes += size;
    try {
      await this.#turnToSubmit(signal);
    } finally {
      if (kept !== null) this.#waitingBytes -= size;
    }
    return this.#submitInTurn(request, kept, options);
  }

  /** Submits a task and waits for its end; the signal cancels it. */
  async run(request: TaskRequest, options: { readonly signal?: AbortSignal } = {}): Promise<TaskOutcome> {
    const { signal } = options;
    const task = await this.submit(request, signal === undefined ? {} : { signal });
    if (signal === undefined) return task.result();
    const aborted = deferred<never>();
    const abort = () => {
      aborted.reject(signal.reason);
      // Whether it could still be cancelled changes nothing for the one who gave up.
      this.cancel(task.taskId).catch(() => undefined);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([task.result(), aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** How a task stands now, what happened to it, and its result (null unless it is completed and kept). */
  async task(taskId: string): Promise<TaskReport> {
    const { message, value } = await this.#once({ type: 'QueryTask', taskId });
    if (message.type !== 'TaskUpdate') throw wrongAnswer(message);
    return { task: message.task, history: message.history ?? [], result: value };
  }

  /** Tasks that match, the newest submission first; with `more`, ask again with `before` for the older ones. */
  async tasks(
    filter: TaskQuery = {},
  ): Promise<{ readonly tasks: readonly TaskSummary[]; readonly more: boolean }> {
    const { message } = await this.#once({ type: 'QueryTasks', ...filter });
    if (message.type !== 'TasksReport') throw wrongAnswer(message);
    return { tasks: message.tasks, more: message.more };
  }

  /** Waits for the end of a task, across lost connections. */
  async watch(taskId: string, options: WatchOptions = {}): Promise<TaskOutcome> {
    const { signal, onUpdate } = options;
    signal?.throwIfAborted();
    const outcome = deferred<TaskOutcome>();
    const requestId = this.#ask({ type: 'WatchTask', taskId }, null, {
      ...(onUpdate === undefined ? {} : { update: onUpdate }),
      answered: (message, bytes) => settle(outcome, () => outcomeIn(message, bytes)),
      failed: outcome.reject,
    });
    const stopListening = this.#disownOn(signal, requestId, outcome.reject);
    return outcome.promise.finally(stopListening);
  }

  /** Resolves when the cancellation is stored; rejects with TaskRejected TASK_FINISHED or UNKNOWN_TASK. */
  async cancel(taskId: string): Promise<void> {
    await this.#once({ type: 'CancelTask', taskId, reason: 'cancelled' });
  }

  /**
   * Queues a task once more that failed, is dead or was cancelled, with all its attempts. Resolves when that is stored;
   * rejects with TaskRejected TASK_NOT_RETRYABLE or UNKNOWN_TASK.
   */
  async retry(taskId: string): Promise<void> {
    await this.#once({ type: 'RetryTask', taskId });
  }

  /** Gives no more tasks of a kind to agents until it is resumed; what runs, ends. Resolves when that is stored. */
  async pause(kind: string): Promise<void> {
    await this.#once({ type: 'PauseKind', kind });
  }

  /** Gives tasks of a paused kind out again. Resolves when that is stored. */
  async resume(kind: string): Promise<void> {
    await this.#once({ type: 'ResumeKind', kind });
  }

  /**
   * Has a task submitted at the times of a cron expression. Resolves when that is stored.
   * @throws TaskInputError before anything is sent, when the kind is built in and the input does not fit it.
   */
  async addRecurring(request: RecurringRequest): Promise<void> {
    await this.#once(recurringBody(request), encodeInput(request.task));
  }

  /** Ends a recurring task; what it has submitted goes on. Resolves when that is stored. */
  async removeRecurring(name: string): Promise<void> {
    await this.#once({ type: 'DropRecurring', name });
  }

  /** The recurring tasks, by name. */
  async recurring(): Promise<readonly RecurringSummary[]> {
    const { message } = await this.#once({ type: 'QueryRecurring' });
    if (message.type !== 'RecurringReport') throw wrongAnswer(message);
    return message.recurring;
  }

  /**
   * Has the coordinator drain and stop, as SIGTERM would: it takes no new tasks, running ones may take `timeoutMs`
   * (default: its own --drain-timeout) to end. Resolves when it has stopped.
   */
  async drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const left = this.#coordinatorLeft.promise;
    const { startedAt } = await this.status();
    const { timeoutMs } = options;
    const asked = this.#once({ type: 'DrainCoordinator', ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    // with nothing to wait for, it may be gone before its answer has come
    await Promise.race([asked, left]);
    asked.catch(() => undefined);
    const watch = new AbortController();
    try {
      await Promise.race([left, this.#untilGone(startedAt, watch.signal)]);
    } finally {
      watch.abort();
    }
  }

  /** How the coordinator is: agents, tasks and queue by kind, memory, what was dropped. The fields: StatusReport of the protocol. */
  async status(): Promise<MessageOf<'StatusReport'>> {
    const { message } = await this.#once({ type: 'QueryStatus' });
    if (message.type !== 'StatusReport') throw wrongAnswer(message);
    return message;
  }

  /** The agents it knows. */
  async agents(): Promise<MessageOf<'AgentsReport'>['agents']> {
    const { message } = await this.#once({ type: 'QueryAgents' });
    if (message.type !== 'AgentsReport') throw wrongAnswer(message);
    return message.agents;
  }

  /**
   * Says what came of the result of a task, once that is known. Resolves when it is stored. Rejects with TaskRejected:
   * UNKNOWN_TASK; NO_FORECAST when the task is not completed, or `actual` has no forecast to be compared with;
   * OUTCOME_KNOWN when it was said before.
   */
  async reportOutcome(taskId: string, outcome: TaskWorth): Promise<void> {
    await this.#once({ type: 'ReportOutcome', taskId, ...outcome });
  }

  /** What was learned, of all agents or of one. */
  async reasoning(agentId?: string): Promise<ReasoningReport> {
    const { message, value } = await this.#once({
      type: 'QueryReasoning',
      ...(agentId === undefined ? {} : { agentId }),
    });
    if (message.type !== 'ReasoningReport' || !isReasoningReport(value)) throw wrongAnswer(message);
    return value;
  }

  /**
   * The patterns most like a series or the pattern of a task, what was forecast from them and what came; with neither, only
   * how many are kept. Rejects with TaskRejected: UNKNOWN_TASK when the pattern of that task is not kept; NOT_SUPPORTED when
   * the coordinator keeps none; BAD_FIELD for a series that is constant, too short or too long.
   */
  async patterns(query: PatternQuery = {}): Promise<PatternReport> {
    const { message } = await this.#once(patternsBody(query));
    if (message.type !== 'PatternsReport') throw wrongAnswer(message);
    const { store, patterns, withOutcome, similar } = message;
    return { store, patterns, withOutcome, similar };
  }

  /** Closes the connection; open requests reject. */
  close(): void {
    this.#session.close();
    this.#rejectAll(this.#unreachable('the client was closed'));
  }

  /** For a coordinator that goes without a word: asks now and then whether the one that started then still answers. */
  async #untilGone(startedAt: number, signal: AbortSignal): Promise<void> {
    const clock = this.#options.clock ?? systemClock;
    for (;;) {
      await new Promise<void>((resolve) => {
        const cancelTimer = clock.setTimer(clock.now() + DRAIN_LOOK_MS, resolve);
        signal.addEventListener('abort', cancelTimer, { once: true });
      });
      try {
        if ((await this.status()).startedAt !== startedAt) return;
      } catch (error) {
        if (error instanceof CoordinatorUnreachable || error instanceof Refused) return;
        throw error;
      }
    }
  }

  // ---- requests

  #submitInTurn(
    request: TaskRequest,
    payload: Uint8Array | null,
    options: SubmitOptions,
  ): Promise<SubmittedTask> {
    try {
      return this.#submitNow(this.#withKey(request), payload ?? encodeInput(request), options);
    } finally {
      this.#submits.used();
    }
  }

  #withKey(request: TaskRequest): TaskRequest {
    if (request.idempotencyKey !== undefined || this.#keyPrefix === null) return request;
    return {
      ...request,
      idempotencyKey: `${this.#keyPrefix}.${(++this.#keys).toString(36).padStart(8, '0')}`,
    };
  }

  #submitNow(
    request: TaskRequest,
    payload: Uint8Array,
    { signal, watch = true }: SubmitOptions,
  ): Promise<SubmittedTask> {
    return new Promise((resolve, reject) => {
      const outcome = deferred<TaskOutcome>();
      let stopListening = () => {};
      const requestId = this.#ask(submitBody(request, watch), payload, {
        accepted: (taskId) => {
          stopListening();
          resolve({ taskId, result: () => (watch ? outcome.promise : this.watch(taskId)) });
        },
        answered: (message, bytes) => settle(outcome, () => outcomeIn(message, bytes)),
        failed: (error) => {
          stopListening();
          reject(error);
          outcome.reject(error);
        },
      });
      stopListening = this.#disownOn(signal, requestId, reject);
    });
  }

  /** Sends a request that has one answer. */
  async #once(
    body: RequestBody,
    payload: Uint8Array | null = null,
  ): Promise<{ readonly message: Message; readonly value: unknown }> {
    const answer = deferred<{ readonly message: Message; readonly value: unknown }>();
    this.#ask(body, payload, {
      answered: (message, bytes) =>
        settle(answer, () => ({ message, value: bytes === null ? null : decodeValue(bytes) })),
      failed: answer.reject,
    });
    return answer.promise;
  }

  #ask(body: RequestBody, payload: Uint8Array | null, waiting: Waiting): number {
    const { requestId, send } = this.#requests.ask(body, payload);
    this.#waiting.set(requestId, waiting);
    this.#do(send);
    // What is asked without a connection is sent on the next one.
    if (this.#session.state === 'idle') this.#session.dial(this.#connectTimeoutMs);
    if (this.#session.state === 'closed') this.#rejectAll(this.#unreachable('the client was closed'));
    return requestId;
  }

  #do(action: RequestAction): void {
    switch (action.type) {
      case 'send':
        this.#send(action);
        return;
      case 'accepted':
        this.#waiting.get(action.requestId)?.accepted?.(action.taskId);
        return;
      case 'update':
        this.#waiting.get(action.requestId)?.update?.(action.task);
        return;
      case 'answered':
        this.#takeWaiting(action.requestId)?.answered(action.message, action.payload);
        return;
      case 'rejected':
        this.#takeWaiting(action.requestId)?.failed(new TaskRejected(action.error));
        return;
      case 'lost':
        this.#takeWaiting(action.requestId)?.failed(this.#unreachable('the connection was lost'));
        return;
    }
  }

  #send({ message, payload }: RequestAction & { readonly type: 'send' }): void {
    try {
      this.#session.send(message, payload);
    } catch (error) {
      if (!(error instanceof ProtocolError) || message.requestId === undefined) throw error;
      this.#requests.forget(message.requestId);
      this.#takeWaiting(message.requestId)?.failed(new TaskRejected(error));
    }
  }

  #takeWaiting(requestId: number): Waiting | undefined {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    return waiting;
  }

  /** Gives a request up when the signal fires; returns what stops listening for it. */
  #disownOn(
    signal: AbortSignal | undefined,
    requestId: number,
    reject: (reason: unknown) => void,
  ): () => void {
    if (signal === undefined) return () => {};
    const disown = () => {
      this.#requests.disown(requestId);
      this.#waiting.delete(requestId);
      reject(signal.reason);
    };
    signal.addEventListener('abort', disown, { once: true });
    return () => signal.removeEventListener('abort', disown);
  }

  // ---- connection

  get #connectTimeoutMs(): number {
    return this.#options.connectTimeoutMs ?? 5000;
  }

  /** Waits for a connection with room; makes one when there is none. */
  async #turnToSubmit(signal?: AbortSignal): Promise<void> {
    if (this.#session.state === 'closed') throw this.#unreachable('the client was closed');
    if (this.#session.state === 'idle') this.#session.dial(this.#connectTimeoutMs);
    await this.#submits.pass(signal);
  }

  #leaveWhenAnswered(): void {
    if (this.#requests.leftBehind === 0) this.#session.leave();
  }

  #lost(problem: string): void {
    for (const action of this.#requests.disconnect()) this.#do(action);
    if (this.#requests.open === 0 && this.#submits.empty) return;
    const { reattachTimeoutMs = 30_000 } = this.#options;
    if (this.#session.dialAgain(reattachTimeoutMs)) return;
    this.#rejectAll(this.#unreachable(`the connection was lost: ${problem}`));
  }

  #rejectAll(error: CoordinatorUnreachable | Refused): void {
    for (const action of this.#requests.abandon()) {
      if (action.type === 'lost') this.#takeWaiting(action.requestId)?.failed(error);
    }
    this.#connected.reject(error);
    this.#submits.rejectAll(error);
  }

  #unreachable(problem: string): CoordinatorUnreachable {
    return new CoordinatorUnreachable(this.#options.addresses, problem);
  }
}

function outcomeIn(message: Message, payload: Uint8Array | null): TaskOutcome {
  if (message.type !== 'TaskUpdate') throw wrongAnswer(message);
  return outcomeOf(message.task, payload === null ? null : decodeValue(payload));
}

function wrongAnswer(message: Message): ProtocolError {
  return new ProtocolError('UNEXPECTED_MESSAGE', `${message.type} answers no such request`);
}
