import { errorOfReport, ProtocolError } from '../protocol/errors.js';
import type { Message, MessageOf, TaskSummary } from '../protocol/messages.js';
import { isFinal } from './task.js';

/** A message of a client, still without the number that its answer will name. */
export type RequestBody =
  | Omit<MessageOf<'SubmitTask'>, 'requestId'>
  | Omit<MessageOf<'QueryTask'>, 'requestId'>
  | Omit<MessageOf<'WatchTask'>, 'requestId'>
  | Omit<MessageOf<'CancelTask'>, 'requestId'>
  | Omit<MessageOf<'QueryStatus'>, 'requestId'>
  | Omit<MessageOf<'QueryAgents'>, 'requestId'>;

/** An open request and what it waits for. */
export type Request =
  /** For MessageAck. `disowned`: nobody waits any more; the task is cancelled as soon as its id is known. */
  | {
      readonly state: 'submitting';
      readonly body: Omit<MessageOf<'SubmitTask'>, 'requestId'>;
      readonly payload: Uint8Array;
      readonly disowned: boolean;
    }
  /** For the TaskUpdate with a final state. */
  | { readonly state: 'watching'; readonly taskId: string }
  /** For its one answer. */
  | { readonly state: 'asking'; readonly body: Exclude<RequestBody, { readonly type: 'SubmitTask' }> };

export type RequestAction =
  | {
      readonly type: 'send';
      readonly message: Message & { readonly requestId?: number | undefined };
      readonly payload: Uint8Array | null;
    }
  | { readonly type: 'accepted'; readonly requestId: number; readonly taskId: string }
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
  /** The connection was lost, and repeating the request might do it twice. */
  | { readonly type: 'lost'; readonly requestId: number };

const MAX_REQUEST_ID = 2 ** 32 - 1;

/**
 * The open requests of a client, across connections: which message answers which request, and what is asked again
 * after a reconnect. Plain code: it is told what was asked and what came, and says what to do.
 */
export class Requests {
  readonly #open = new Map<number, Request>();
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

  /** A new request: its number, and what to send once there is a connection. */
  ask(
    body: RequestBody,
    payload: Uint8Array | null,
  ): { readonly requestId: number; readonly send: RequestAction } {
    const requestId = this.#freeId();
    switch (body.type) {
      case 'SubmitTask':
        this.#set(requestId, {
          state: 'submitting',
          body,
          payload: payload ?? new Uint8Array(),
          disowned: false,
        });
        break;
      case 'WatchTask':
        this.#set(requestId, { state: 'watching', taskId: body.taskId });
        break;
      default:
        this.#set(requestId, { state: 'asking', body });
    }
    return { requestId, send: { type: 'send', message: { ...body, requestId }, payload } };
  }

  /** Nobody waits for the answer any more. A task that is being submitted is cancelled when its id comes. */
  disown(requestId: number): void {
    const request = this.#open.get(requestId);
    if (request?.state === 'submitting') this.#set(requestId, { ...request, disowned: true });
    else this.#set(requestId, null);
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
        this.#set(requestId, null);
        return [{ type: 'rejected', requestId, error: errorOfReport(message) }];
      }
      case 'TaskUpdate':
        return this.#updated(message, payload);
      case 'StatusReport':
        return this.#answered(message.requestId, 'QueryStatus', message);
      case 'AgentsReport':
        return this.#answered(message.requestId, 'QueryAgents', message);
      default:
        return [];
    }
  }

  /**
   * The connection is lost. Watches stay, and so do submits with an idempotency key: both may be repeated. All other
   * requests are over.
   */
  disconnect(): RequestAction[] {
    const lost: RequestAction[] = [];
    for (const [requestId, request] of [...this.#open]) {
      if (isRepeatable(request)) continue;
      this.#set(requestId, null);
      lost.push({ type: 'lost', requestId });
    }
    return lost;
  }

  /** All requests are over. */
  abandon(): RequestAction[] {
    const lost = [...this.#open.keys()].map((requestId) => ({ type: 'lost', requestId }) as const);
    for (const { requestId } of lost) this.#set(requestId, null);
    return lost;
  }

  /** What to send first on a new connection: the requests that outlived the last one, or missed it. */
  reconnect(): RequestAction[] {
    return [...this.#open].flatMap(([requestId, request]): RequestAction[] => {
      switch (request.state) {
        case 'submitting':
          return [{ type: 'send', message: { ...request.body, requestId }, payload: request.payload }];
        case 'watching': {
          const { taskId } = request;
          return [{ type: 'send', message: { type: 'WatchTask', requestId, taskId }, payload: null }];
        }
        case 'asking':
          // It came too late for the last connection and was never sent.
          return [{ type: 'send', message: { ...request.body, requestId }, payload: null }];
      }
    });
  }

  #acknowledged(requestId: number, taskId: string | undefined, message: Message): RequestAction[] {
    const request = this.#open.get(requestId);
    if (request?.state === 'asking' && request.body.type === 'CancelTask') {
      this.#set(requestId, null);
      return [{ type: 'answered', requestId, message, payload: null }];
    }
    if (request?.state !== 'submitting') return [];
    if (taskId === undefined) {
      this.#set(requestId, null);
      const text = 'the coordinator acknowledged a submit without naming its task';
      return [{ type: 'rejected', requestId, error: new ProtocolError('BAD_FIELD', text) }];
    }
    const watched = request.body.watch && !request.disowned;
    this.#set(requestId, watched ? { state: 'watching', taskId } : null);
    if (!request.disowned) return [{ type: 'accepted', requestId, taskId }];
    return [this.ask({ type: 'CancelTask', taskId, reason: 'cancelled' }, null).send];
  }

  #updated(message: MessageOf<'TaskUpdate'>, payload: Uint8Array | null): RequestAction[] {
    const { requestId, task } = message;
    const request = this.#open.get(requestId);
    if (request === undefined) return [];
    switch (request.state) {
      case 'asking':
        return this.#answered(requestId, 'QueryTask', message, payload);
      case 'watching':
        if (!isFinal(task.state)) return [{ type: 'update', requestId, task }];
        this.#set(requestId, null);
        return [{ type: 'answered', requestId, message, payload }];
      case 'submitting': {
        // A task that ended before its acknowledgement came says its id itself.
        const accepted = this.#acknowledged(requestId, task.taskId, message);
        return [...accepted, ...(request.disowned ? [] : this.#updated(message, payload))];
      }
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

function isRepeatable(request: Request): boolean {
  switch (request.state) {
    case 'watching':
      return true;
    case 'submitting':
      return request.body.idempotencyKey !== undefined && !request.disowned;
    case 'asking':
      return false;
  }
}
