import { TransientMap } from '../collections/transient-map.js';
import { randomBytes } from 'node:crypto';
import { ProtocolError } from '../protocol/errors.js';
import type { Message, SwarmEvent } from '../protocol/messages.js';
import { deferred, settle } from './deferred.js';
import { systemClock } from '../observe/clock.js';
import { Answer, outcomeIn, valueIn } from './answers.js';
import type { ClientOptions, SubmitOptions, SubmittedTask, WatchOptions } from './client-options.js';
import type { Refused } from './errors.js';
import { CoordinatorUnreachable, TaskRejected } from './errors.js';
import { Pacer } from './pacer.js';
import { Questions } from './questions.js';
import { Requests, type RequestAction, type RequestBody } from './requests.js';
import { Session } from './session.js';
import {
  followEvents,
  recentEvents,
  type EventFilter,
  type EventOptions,
  type Following,
  type MissedEvents,
} from './events.js';
import { Submission } from './submission.js';
import { inSubmitSpan, isTraced } from './submit-span.js';
import { encodeInput, submitBody, type TaskOutcome, type TaskRequest } from './task.js';
import { Turnstile } from './turnstile.js';
import { untilGone } from './until-gone.js';
import type { Waiting } from './waiting.js';

export type * from './client-options.js';

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
export class Client extends Questions {
  readonly #options: ClientOptions;
  readonly #requests = new Requests();
  readonly #waiting = new TransientMap<number, Waiting>();
  /** Of requests that a signal gives up: stops listening for it. */
  readonly #signals = new Map<number, () => void>();
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
  readonly #pacer: Pacer;
  readonly #following: Following = {
    ask: (body, waiting) => this.#ask(body, null, waiting),
    readNotice: (requestId) => this.#doAll(this.#requests.readNotice(requestId)),
    unfollow: (requestId) => {
      this.#waiting.delete(requestId);
      this.#doAll(this.#requests.unfollow(requestId));
    },
    now: () => (this.#options.clock ?? systemClock).now(),
  };

  /** @throws RangeError without an address. */
  constructor(options: ClientOptions) {
    super();
    if (options.addresses.length === 0)
      throw new RangeError('a client needs at least one coordinator address');
    this.#options = options;
    this.#keyPrefix = options.ownKeys === true ? randomBytes(16).toString('base64url') : null;
    this.#session = new Session(options, {
      ready: () => {
        this.#pacer.reset();
        this.#doAll(this.#requests.reconnect());
        this.#connected.resolve(undefined);
        this.#submits.turn();
      },
      message: (message, payload) => {
        this.#doAll(this.#requests.receive(message, payload));
        this.#leaveWhenAnswered();
        this.#submits.turn();
      },
      replaced: () => {
        this.#doAll(this.#requests.moveOn());
        this.#leaveWhenAnswered();
        this.#submits.turn();
      },
      left: () => {
        this.#doAll(this.#requests.giveUpLeftBehind());
      },
      drained: () => this.#submits.turn(),
      lost: (problem, goingAway) => {
        if (goingAway) this.#coordinatorLeft.resolve(undefined);
        this.#lost(problem);
      },
      failed: (error) => this.#rejectAll(error),
    });
    const maxUnacknowledged = options.maxUnacknowledged ?? 1024;
    this.#pacer = new Pacer({
      clock: options.clock ?? systemClock,
      timeoutMs: options.slowdownTimeoutMs ?? 30_000,
      repeat: (requestId) => {
        const again = this.#requests.repeat(requestId);
        this.#doAll(again);
        return again.length > 0;
      },
      idle: () => this.#submits.turn(),
    });
    this.#submits = new Turnstile(
      () =>
        this.#session.state === 'ready' &&
        !this.#session.congested &&
        this.#pacer.idle &&
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

  /** Submits a task and waits for its end; the signal cancels it. */
  run(request: TaskRequest, options: { readonly signal?: AbortSignal } = {}): Promise<TaskOutcome> {
    const { signal } = options;
    if (signal !== undefined || isTraced()) return this.#submitAndWait(request, signal);
    return new Promise((resolve, reject) => {
      this.#begin(request, {}, new Answer(outcomeIn, resolve, reject));
    });
  }

  async #submitAndWait(request: TaskRequest, signal?: AbortSignal): Promise<TaskOutcome> {
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

  /** Waits for the end of a task, across lost connections. */
  async watch(taskId: string, options: WatchOptions = {}): Promise<TaskOutcome> {
    const { signal, onUpdate } = options;
    signal?.throwIfAborted();
    const outcome = deferred<TaskOutcome>();
    this.#ask(
      { type: 'WatchTask', taskId },
      null,
      {
        ...(onUpdate === undefined ? {} : { update: onUpdate }),
        answered: (message, bytes) => settle(outcome, () => outcomeIn(message, bytes)),
        failed: outcome.reject,
      },
      signal,
    );
    return outcome.promise;
  }

  /**
   * Has the coordinator drain and stop, as SIGTERM would: it takes no new tasks, running ones may take `timeoutMs`
   * (default: its own --drain-timeout) to end. Resolves when it has stopped.
   */
  async drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const left = this.#coordinatorLeft.promise;
    const { startedAt } = await this.status();
    const { timeoutMs } = options;
    const asked = this.once({ type: 'DrainCoordinator', ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    // with nothing to wait for, it may be gone before its answer has come
    await Promise.race([asked, left]);
    asked.catch(() => undefined);
    const watch = new AbortController();
    try {
      const clock = this.#options.clock ?? systemClock;
      await Promise.race([left, untilGone(this, startedAt, clock, watch.signal)]);
    } finally {
      watch.abort();
    }
  }

  /**
   * What happens to tasks and agents from the call on, as the coordinator decides it, across lost connections. Where
   * events were lost, because the loop was too slow or the connection was gone, it says so in their place. At most 32
   * notices, of up to 512 events each, wait to be read. End the loop, or call `return`, to stop following.
   */
  events(options: EventOptions = {}): AsyncIterableIterator<SwarmEvent | MissedEvents> {
    return followEvents(this.#following, options);
  }

  /** The latest events, at most `recent` of them (default and at most 512), oldest first. */
  async recentEvents(
    options: EventFilter & { readonly recent?: number } = {},
  ): Promise<readonly SwarmEvent[]> {
    return recentEvents(this.#following, options);
  }

  /** Closes the connection; open requests reject. */
  close(): void {
    this.#session.close();
    this.#rejectAll(this.#unreachable('the client was closed'));
  }

  // ---- requests

  #submit(request: TaskRequest, options: SubmitOptions): Promise<SubmittedTask> {
    const watch = options.watch === false ? (taskId: string) => this.watch(taskId) : null;
    return new Promise((resolve, reject) => {
      this.#begin(request, options, new Submission(resolve, reject, watch));
    });
  }

  /** Submits when it is its turn. What fails before that is thrown, or told. */
  #begin(request: TaskRequest, options: SubmitOptions, waiting: Waiting): void {
    options.signal?.throwIfAborted();
    const payload = encodeInput(request);
    // Nothing is put off while there is room: what follows uses it up.
    if (this.#submits.isOpen) this.#submitInTurn(request, payload, options, waiting);
    else void this.#submitLater(request, payload, options, waiting);
  }

  async #submitLater(
    request: TaskRequest,
    payload: Uint8Array,
    options: SubmitOptions,
    waiting: Waiting,
  ): Promise<void> {
    const size = payload.byteLength;
    const kept = this.#waitingBytes + size <= MAX_WAITING_BYTES ? payload : null;
    if (kept !== null) this.#waitingBytes += size;
    try {
      await this.#turnToSubmit(options.signal);
      this.#submitInTurn(request, kept, options, waiting);
    } catch (error) {
      waiting.failed(error);
    } finally {
      if (kept !== null) this.#waitingBytes -= size;
    }
  }

  #submitInTurn(
    request: TaskRequest,
    payload: Uint8Array | null,
    { signal, watch = true }: SubmitOptions,
    waiting: Waiting,
  ): void {
    try {
      const keyed = this.#withKey(request);
      const bytes = payload ?? encodeInput(request);
      this.#ask(submitBody(keyed, watch), bytes, waiting, signal);
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

  protected override once(
    body: RequestBody,
    payload: Uint8Array | null = null,
  ): Promise<{ readonly message: Message; readonly value: unknown }> {
    return new Promise((resolve, reject) => {
      this.#ask(body, payload, new Answer(valueIn, resolve, reject));
    });
  }

  /** A signal gives the request up until it is accepted or over. */
  #ask(body: RequestBody, payload: Uint8Array | null, waiting: Waiting, signal?: AbortSignal): number {
    const { requestId, send } = this.#requests.ask(body, payload);
    this.#waiting.set(requestId, waiting);
    if (signal !== undefined) this.#disownOn(signal, requestId);
    if (this.#pacer.idle) this.#do(send);
    else this.#pacer.hold(requestId);
    // What is asked without a connection is sent on the next one.
    if (this.#session.state === 'idle') this.#session.dial(this.#connectTimeoutMs);
    if (this.#session.state === 'closed') this.#rejectAll(this.#unreachable('the client was closed'));
    return requestId;
  }

  #doAll(actions: readonly RequestAction[]): void {
    for (const action of actions) this.#do(action);
  }

  #do(action: RequestAction): void {
    if (action.type !== 'send' && action.type !== 'slowed') this.#pacer.answered(action.requestId);
    switch (action.type) {
      case 'send':
        this.#send(action);
        return;
      case 'accepted':
        this.#stopListening(action.requestId);
        if (this.#waiting.get(action.requestId)?.accepted?.(action.taskId) === false)
          this.#waiting.delete(action.requestId);
        return;
      case 'update':
        this.#waiting.get(action.requestId)?.update?.(action.task);
        return;
      case 'events':
        this.#waiting.get(action.requestId)?.events?.(action.events, action.missed);
        return;
      case 'gap':
        this.#waiting.get(action.requestId)?.events?.([], null);
        return;
      case 'slowed':
        for (const requestId of this.#pacer.refused(action.requestId, action.retryAfterMs)) {
          this.#doAll(this.#requests.reject(requestId, action.error));
        }
        return;
      case 'over':
        return;
      case 'renumbered':
        this.#renumber(action.requestId, action.next);
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

  #renumber(requestId: number, next: number): void {
    const waiting = this.#takeWaiting(requestId);
    if (waiting === undefined) return;
    this.#waiting.set(next, waiting);
    waiting.renumbered?.(next);
  }

  #takeWaiting(requestId: number): Waiting | undefined {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    this.#stopListening(requestId);
    return waiting;
  }

  /** Gives a request up when the signal fires. */
  #disownOn(signal: AbortSignal, requestId: number): void {
    const disown = () => {
      this.#requests.disown(requestId);
      this.#takeWaiting(requestId)?.failed(signal.reason);
    };
    signal.addEventListener('abort', disown, { once: true });
    this.#signals.set(requestId, () => signal.removeEventListener('abort', disown));
  }

  #stopListening(requestId: number): void {
    this.#signals.get(requestId)?.();
    this.#signals.delete(requestId);
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
    this.#doAll(this.#requests.disconnect());
    if (this.#requests.open === 0 && this.#submits.empty) return;
    const { reattachTimeoutMs = 30_000 } = this.#options;
    if (this.#session.dialAgain(reattachTimeoutMs)) return;
    this.#rejectAll(this.#unreachable(`the connection was lost: ${problem}`));
  }

  #rejectAll(error: CoordinatorUnreachable | Refused): void {
    this.#pacer.reset();
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
