import { TransientMap } from '../collections/transient-map.js';
import { errorOfReport, ProtocolError } from '../protocol/errors.js';
import {
  isFinishedState,
  type Message,
  type MessageOf,
  type SwarmEvent,
  type TaskSummary,
} from '../protocol/messages.js';

/** A message of a client, still without the number that its answer will name. */
export type RequestBody =
  | Omit<MessageOf<'SubmitTask'>, 'requestId'>
  | Omit<MessageOf<'QueryTask'>, 'requestId'>
  | Omit<MessageOf<'WatchTask'>, 'requestId'>
  | Omit<MessageOf<'CancelTask'>, 'requestId'>
  | Omit<MessageOf<'RetryTask'>, 'requestId'>
  | Omit<MessageOf<'QueryTasks'>, 'requestId'>
  | Omit<MessageOf<'PauseKind'>, 'requestId'>
  | Omit<MessageOf<'ResumeKind'>, 'requestId'>
  | Omit<MessageOf<'AddRecurring'>, 'requestId'>
  | Omit<MessageOf<'DropRecurring'>, 'requestId'>
  | Omit<MessageOf<'QueryRecurring'>, 'requestId'>
  | Omit<MessageOf<'DrainCoordinator'>, 'requestId'>
  | Omit<MessageOf<'QueryStatus'>, 'requestId'>
  | Omit<MessageOf<'QueryAgents'>, 'requestId'>
  | Omit<MessageOf<'WatchEvents'>, 'requestId'>
  | Omit<MessageOf<'SetLogLevel'>, 'requestId'>
  | Omit<MessageOf<'ReportOutcome'>, 'requestId'>
  | Omit<MessageOf<'QueryReasoning'>, 'requestId'>
  | Omit<MessageOf<'QueryPatterns'>, 'requestId'>;

/** An open request and what it waits for. */
export type Request =
  /** For MessageAck. `disowned`: nobody waits any more; the task is cancelled as soon as its id is known. */
  | {
      readonly state: 'submitting';
      readonly message: MessageOf<'SubmitTask'>;
      readonly payload: Uint8Array;
      readonly disowned: boolean;
    }
  /** For the TaskUpdate with a final state. */
  | { readonly state: 'watching'; readonly taskId: string }
  /** For events, until it is given up. `told`: since the last connection was lost; `unread`: notices handed over and not read. */
  | {
      readonly state: 'following';
      readonly body: Omit<MessageOf<'WatchEvents'>, 'requestId'>;
      told: boolean;
      unread: number;
      /** Notices read since the coordinator was last told so. */
      read: number;
    }
  /** For its one answer. */
  | {
      readonly state: 'asking';
      readonly body: Exclude<RequestBody, { readonly type: 'SubmitTask' | 'WatchEvents' }>;
      readonly payload: Uint8Array | null;
    };

type Following = Extract<Request, { readonly state: 'following' }>;

export type RequestAction =
  | {
      readonly type: 'send';
      readonly message: Message & { readonly requestId?: number | undefined };
      readonly payload: Uint8Array | null;
    }
  | { readonly type: 'accepted'; readonly requestId: number; readonly taskId: string }
  | {
      readonly type: 'events';
      readonly requestId: number;
      readonly events: readonly SwarmEvent[];
      /** Lost after these. */
      readonly missed: number;
    }
  /** Events were lost, nobody knows how many: the connection was. */
  | { readonly type: 'gap'; readonly requestId: number }
  /** It is done, and nobody waits for the answer any more. */
  | { readonly type: 'over'; readonly requestId: number }
  /** The request goes on under another number. */
  | { readonly type: 'renumbered'; readonly requestId: number; readonly next: number }
  /** A watched task changed, and goes on. */
  | { readonly type: 'update'; readonly requestId: number; readonly task: TaskSummary }
  /** Final for the request. `payload` is that of the message handed in. */
  | {
      readonly type: 'answered';
      readonly requestId: number;
      readonly message: Message;
      readonly payload: Uint8Array | null;
    }
  | { readonly type: 'rejected'; readonly requestId: number; readonly error: ProtocolError }
  /** Too much was asked in a short time; nothing was done, and the request is still open. */
  | {
      readonly type: 'slowed';
      readonly requestId: number;
      readonly error: ProtocolError;
      readonly retryAfterMs: number;
    }
  /** The connection was lost, and repeating the request might do it twice. */
  | { readonly type: 'lost'; readonly requestId: number };

const MAX_REQUEST_ID = 2 ** 32 - 1;
/** Notices of events that may come before any of them is read. */
export const EVENT_CREDIT = 16;

/**
 * The open requests of a client, across connections: which message answers which request, and what is asked again
 * after a reconnect. Plain code: it is told what was asked and what came, and says what to do.
 */
export class Requests {
  readonly #open = new TransientMap<number, Request>();
  /** Those that wait for their answer on the connection before this one, which is being left. */
  readonly #leftBehind = new Set<number>();
  #lastId = 0;
  #unacknowledged = 0;
  #unacknowledgedBytes = 0;

  get open(): number {
    return this.#open.size;
  }

  /** Submits whose MessageAck has not come. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Their payloads together. */
  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }

  /** Requests whose answer is still to come on the connection before this one. */
  get leftBehind(): number {
    return this.#leftBehind.size;
  }

  /** A new request: its number, and what to send once there is a connection. */
  ask(
    body: RequestBody,
    payload: Uint8Array | null,
  ): { readonly requestId: number; readonly send: RequestAction } {
    const requestId = this.#freeId();
    switch (body.type) {
      case 'SubmitTask': {
        // The number first: a field that comes after a spread costs 230 bytes more.
        const message = { requestId, ...body };
        this.#set(requestId, {
          state: 'submitting',
          message,
          payload: payload ?? new Uint8Array(),
          disowned: false,
        });
        return { requestId, send: { type: 'send', message, payload } };
      }
      case 'WatchTask':
        this.#set(requestId, { state: 'watching', taskId: body.taskId });
        break;
      case 'WatchEvents':
        this.#set(requestId, { state: 'following', body, told: false, unread: 0, read: 0 });
        break;
      default:
        this.#set(requestId, { state: 'asking', body, payload });
    }
    return { requestId, send: { type: 'send', message: { ...body, requestId }, payload } };
  }

  /** Nobody waits for the answer any more. A task that is being submitted is cancelled when its id comes. */
  disown(requestId: number): void {
    const request = this.#open.get(requestId);
    if (request?.state === 'submitting') this.#set(requestId, { ...request, disowned: true });
    else this.#set(requestId, null);
  }

  /** A notice of events was read: there may be room for more. */
  readNotice(requestId: number): RequestAction[] {
    const request = this.#open.get(requestId);
    if (request?.state !== 'following') return [];
    request.unread--;
    if (++request.read < EVENT_CREDIT / 2) return [];
    request.read = 0;
    return [credit(requestId, EVENT_CREDIT - request.unread)];
  }

  /** Nobody wants to hear of events any more. */
  unfollow(requestId: number): RequestAction[] {
    if (this.#open.get(requestId)?.state !== 'following') return [];
    this.#set(requestId, null);
    return [credit(requestId, 0)];
  }

  /** Gives up a request that was refused. */
  reject(requestId: number, error: ProtocolError): RequestAction[] {
    this.#set(requestId, null);
    return [{ type: 'rejected', requestId, error }];
  }

  /** What to send to ask once more; nothing when the request is over. */
  repeat(requestId: number): RequestAction[] {
    const request = this.#open.get(requestId);
    this.#leftBehind.delete(requestId);
    return request === undefined ? [] : [again(requestId, request)];
  }

  /** Takes back a request that could not be sent. */
  forget(requestId: number): void {
    this.#set(requestId, null);
  }

  /** A message of the coordinator's. Answers to nothing that is open are dropped. */
  receive(message: Message, payload: Uint8Array | null): RequestAction[] {
    switch (message.type) {
      case 'MessageAck':
        return message.requestIds.flatMap((requestId, index) =>
          this.#acknowledged(requestId, message.taskIds[index], message),
        );
      case 'ErrorReport': {
        const { requestId } = message;
        if (requestId === undefined || !this.#open.has(requestId)) return [];
        const error = errorOfReport(message);
        const { retryAfterMs } = error;
        return error.name === 'TOO_MANY_REQUESTS' && retryAfterMs !== undefined
          ? [{ type: 'slowed', requestId, error, retryAfterMs }]
          : this.reject(requestId, error);
      }
      case 'TaskUpdate':
        return this.#updated(message, payload);
      case 'EventNotice': {
        const { requestId, events, dropped: missed } = message;
        const request = this.#open.get(requestId);
        if (request?.state !== 'following') return [];
        request.told = true;
        request.unread++;
        return [{ type: 'events', requestId, events, missed }];
      }
      case 'StatusReport':
        return this.#answered(message.requestId, 'QueryStatus', message);
      case 'AgentsReport':
        return this.#answered(message.requestId, 'QueryAgents', message);
      case 'RecurringReport':
        return this.#answered(message.requestId, 'QueryRecurring', message);
      case 'TasksReport':
        return this.#answered(message.requestId, 'QueryTasks', message);
      case 'ReasoningReport':
        return this.#answered(message.requestId, 'QueryReasoning', message, payload);
      case 'PatternsReport':
        return this.#answered(message.requestId, 'QueryPatterns', message);
      default:
        return [];
    }
  }

  /**
   * The connection is lost. Questions stay, watches, and submits with an idempotency key: they may be repeated. All
   * other requests are over.
   */
  disconnect(): RequestAction[] {
    const lost: RequestAction[] = [];
    this.#leftBehind.clear();
    for (const [requestId, request] of [...this.#open]) {
      if (request.state === 'following') lost.push(...this.#interrupt(requestId, request));
      if (isRepeatable(request)) continue;
      this.#set(requestId, null);
      lost.push({ type: 'lost', requestId });
    }
    return lost;
  }

  /**
   * A second connection has taken the place of one that still works. Watches are made there at once; what was asked on
   * the first waits for its answer there, since asking twice could bring two different ones.
   */
  moveOn(): RequestAction[] {
    const sends: RequestAction[] = [];
    for (const [requestId, request] of [...this.#open]) {
      if (request.state === 'following') sends.push(...this.#followAnew(requestId, request));
      else if (request.state === 'watching') sends.push(watchAgain(requestId, request.taskId));
      else this.#leftBehind.add(requestId);
    }
    return sends;
  }

  /** The connection before this one is gone: what waited there is asked again here, or lost. */
  giveUpLeftBehind(): RequestAction[] {
    const actions: RequestAction[] = [];
    for (const requestId of [...this.#leftBehind]) {
      const request = this.#open.get(requestId);
      if (request === undefined) continue;
      if (isRepeatable(request)) {
        actions.push(again(requestId, request));
      } else {
        this.#set(requestId, null);
        actions.push({ type: 'lost', requestId });
      }
    }
    this.#leftBehind.clear();
    return actions;
  }

  /** All requests are over. */
  abandon(): RequestAction[] {
    const lost = [...this.#open.keys()].map((requestId) => ({ type: 'lost', requestId }) as const);
    for (const { requestId } of lost) this.#set(requestId, null);
    return lost;
  }

  /** What to send first on a new connection: the requests that outlived the last one, or missed it. */
  reconnect(): RequestAction[] {
    return [...this.#open].map(([requestId, request]) => again(requestId, request));
  }

  /** What came up to now is all that comes of it on this connection. */
  #interrupt(requestId: number, request: Following): RequestAction[] {
    if (!request.told) return [];
    // what was before is known
    this.#set(requestId, { ...request, body: { ...request.body, recent: 0 }, told: false });
    return [{ type: 'gap', requestId }];
  }

  /** Under another number: what still comes on the connection before this one is not mixed with what comes here. */
  #followAnew(requestId: number, request: Following): RequestAction[] {
    const gap = this.#interrupt(requestId, request);
    const interrupted = this.#open.get(requestId) ?? request;
    const next = this.#freeId();
    this.#set(requestId, null);
    this.#set(next, interrupted);
    return [...gap, { type: 'renumbered', requestId, next }, again(next, interrupted)];
  }

  #acknowledged(requestId: number, taskId: string | undefined, message: Message): RequestAction[] {
    const request = this.#open.get(requestId);
    if (request?.state === 'asking' && isAcknowledged(request.body.type)) {
      this.#set(requestId, null);
      return [{ type: 'answered', requestId, message, payload: null }];
    }
    if (request?.state !== 'submitting') return [];
    if (taskId === undefined) {
      this.#set(requestId, null);
      const text = 'the coordinator acknowledged a submit without naming its task';
      return [{ type: 'rejected', requestId, error: new ProtocolError('BAD_FIELD', text) }];
    }
    const watched = request.message.watch && !request.disowned;
    const movedOn = this.#leftBehind.has(requestId);
    this.#set(requestId, watched ? { state: 'watching', taskId } : null);
    if (!request.disowned) {
      const accepted: RequestAction = { type: 'accepted', requestId, taskId };
      // It is watched on a connection that will not be there for long.
      return watched && movedOn ? [accepted, watchAgain(requestId, taskId)] : [accepted];
    }
    return [
      { type: 'over', requestId },
      this.ask({ type: 'CancelTask', taskId, reason: 'cancelled' }, null).send,
    ];
  }

  #updated(message: MessageOf<'TaskUpdate'>, payload: Uint8Array | null): RequestAction[] {
    const { requestId, task } = message;
    const request = this.#open.get(requestId);
    if (request === undefined) return [];
    switch (request.state) {
      case 'asking':
        return this.#answered(requestId, 'QueryTask', message, payload);
      case 'watching':
        if (!isFinishedState(task.state)) return [{ type: 'update', requestId, task }];
        this.#set(requestId, null);
        return [{ type: 'answered', requestId, message, payload }];
      case 'submitting': {
        // A task that ended before its acknowledgement came says its id itself.
        const accepted = this.#acknowledged(requestId, task.taskId, message);
        return [...accepted, ...(request.disowned ? [] : this.#updated(message, payload))];
      }
      case 'following':
        return [];
    }
  }

  #answered(
    requestId: number,
    type: RequestBody['type'],
    message: Message,
    payload: Uint8Array | null = null,
  ): RequestAction[] {
    const request = this.#open.get(requestId);
    if (request?.state !== 'asking' || request.body.type !== type) return [];
    this.#set(requestId, null);
    return [{ type: 'answered', requestId, message, payload }];
  }

  #set(requestId: number, request: Request | null): void {
    const before = this.#open.get(requestId);
    if (before?.state === 'submitting') this.#count(before, -1);
    if (request === null || request.state === 'watching') this.#leftBehind.delete(requestId);
    if (request === null) this.#open.delete(requestId);
    else this.#open.set(requestId, request);
    if (request?.state === 'submitting') this.#count(request, 1);
  }

  #count(request: Request & { readonly state: 'submitting' }, sign: 1 | -1): void {
    this.#unacknowledged += sign;
    this.#unacknowledgedBytes += sign * request.payload.byteLength;
  }

  #freeId(): number {
    do this.#lastId = this.#lastId === MAX_REQUEST_ID ? 1 : this.#lastId + 1;
    while (this.#open.has(this.#lastId));
    return this.#lastId;
  }
}

/** The message of a request, for one more connection. */
function again(requestId: number, request: Request): RequestAction {
  switch (request.state) {
    case 'submitting':
      return { type: 'send', message: request.message, payload: request.payload };
    case 'watching':
      return watchAgain(requestId, request.taskId);
    case 'following': {
      const message = {
        ...request.body,
        requestId,
        credit: Math.max(1, Math.min(request.body.credit, EVENT_CREDIT - request.unread)),
      };
      return { type: 'send', message, payload: null };
    }
    case 'asking':
      // A question, or it came too late for the last connection and was never sent.
      return { type: 'send', message: { ...request.body, requestId }, payload: request.payload };
  }
}

function credit(requestId: number, notices: number): RequestAction {
  return { type: 'send', message: { type: 'WatchEvents', requestId, credit: notices }, payload: null };
}

function watchAgain(requestId: number, taskId: string): RequestAction {
  return { type: 'send', message: { type: 'WatchTask', requestId, taskId }, payload: null };
}

function isRepeatable(request: Request): boolean {
  switch (request.state) {
    case 'watching':
    case 'following':
      return true;
    case 'submitting':
      // One that was given up as well: only then is it known which task to cancel.
      return request.message.idempotencyKey !== undefined;
    case 'asking':
      return !CHANGES.has(request.body.type);
  }
}

/** Requests that change a task and are acknowledged. Told twice, they would be refused the second time. */
const CHANGES: ReadonlySet<RequestBody['type']> = new Set([
  'CancelTask',
  'RetryTask',
  'AddRecurring',
  'DropRecurring',
  'DrainCoordinator',
  'ReportOutcome',
]);
/** Requests that are acknowledged and come to the same however often they are told. */
const SETTINGS: ReadonlySet<RequestBody['type']> = new Set(['PauseKind', 'ResumeKind', 'SetLogLevel']);

const isAcknowledged = (type: RequestBody['type']): boolean => CHANGES.has(type) || SETTINGS.has(type);
