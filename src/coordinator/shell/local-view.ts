import type {
  CoordinatorView,
  EventListener,
  ReadyCheck,
  TaskFilterView,
} from '../../observe/coordinator-view.js';
import { errorOfReport, ProtocolError } from '../../protocol/errors.js';
import type { Message, MessageOf, MessageType } from '../../protocol/messages.js';
import type { CoreEvent } from '../core/contract.js';

/** Of this process's own connection to the core; no connection of the transport is named so. */
export const LOCAL_CONNECTION = 'local';

/** Notices under way at once. Each is handed on in a moment, so that there is credit whenever there is news. */
const EVENT_CREDIT = 64;
const EVENTS_REQUEST = 0;

export interface LocalViewOptions {
  /** Hands an event to the core. False: there is none now. */
  readonly tell: (event: CoreEvent) => boolean;
  readonly readiness: () => readonly ReadyCheck[];
}

interface Waiting {
  answered(message: Message, payload: Uint8Array | null): void;
  failed(error: ProtocolError): void;
}

type Question = Extract<Message, { readonly requestId: number }> | MessageOf<'CancelTask'>;
type Without<T> = T extends unknown ? Omit<T, 'requestId'> : never;

/** Asks the core of this process as a client asks it, in the same messages: what it says here it says to all. */
export class LocalView implements CoordinatorView {
  readonly #options: LocalViewOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<EventListener>();
  #opened = false;
  #lastId = EVENTS_REQUEST;

  constructor(options: LocalViewOptions) {
    this.#options = options;
  }

  readiness(): readonly ReadyCheck[] {
    return this.#options.readiness();
  }

  async status() {
    const { message } = await this.#ask({ type: 'QueryStatus' }, 'StatusReport');
    const { type: _type, requestId: _requestId, ...status } = message;
    return status;
  }

  async agents() {
    const { message } = await this.#ask({ type: 'QueryAgents' }, 'AgentsReport');
    return message.agents;
  }

  async tasks(filter: TaskFilterView) {
    const { message } = await this.#ask({ type: 'QueryTasks', ...filter }, 'TasksReport');
    return { tasks: message.tasks, more: message.more };
  }

  async task(taskId: string) {
    const { message, payload } = await this.#ask({ type: 'QueryTask', taskId }, 'TaskUpdate');
    return { task: message.task, history: message.history ?? [], result: payload };
  }

  async reasoning() {
    const { payload } = await this.#ask({ type: 'QueryReasoning' }, 'ReasoningReport');
    if (payload === null) throw new Error('a ReasoningReport has a payload');
    return payload;
  }

  async retry(taskId: string): Promise<void> {
    await this.#ask({ type: 'RetryTask', taskId }, 'MessageAck');
  }

  async cancel(taskId: string): Promise<void> {
    await this.#ask({ type: 'CancelTask', taskId, reason: 'cancelled' }, 'MessageAck');
  }

  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#follow(EVENT_CREDIT);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#follow(0);
    };
  }

  /** What the core sends to the local connection. Answers are handed on after the core's turn. */
  receive(message: Message, payload: Uint8Array | null): void {
    switch (message.type) {
      case 'EventNotice':
        queueMicrotask(() => {
          for (const listener of this.#listeners) listener(message.events, message.dropped);
          if (this.#listeners.size > 0) this.#follow(EVENT_CREDIT);
        });
        return;
      case 'MessageAck':
        for (const requestId of message.requestIds) this.#take(requestId)?.answered(message, payload);
        return;
      case 'ErrorReport':
        if (message.requestId !== undefined) this.#take(message.requestId)?.failed(errorOfReport(message));
        return;
      case 'StatusReport':
      case 'AgentsReport':
      case 'TasksReport':
      case 'TaskUpdate':
      case 'ReasoningReport':
        this.#take(message.requestId)?.answered(message, payload);
        return;
      default:
        // such as DrainNotice: nothing here waits for it
        return;
    }
  }

  /** The core has closed the connection, or is gone. The next question opens it anew. */
  lost(): void {
    this.#opened = false;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.failed(new ProtocolError('GOING_AWAY'));
  }

  #ask<T extends MessageType>(
    body: Without<Question>,
    answer: T,
  ): Promise<{ readonly message: MessageOf<T>; readonly payload: Uint8Array | null }> {
    return new Promise((resolve, reject) => {
      const requestId = this.#freeId();
      const isAnswer = (message: Message): message is MessageOf<T> => message.type === answer;
      this.#waiting.set(requestId, {
        answered: (message, payload) => {
          if (isAnswer(message)) resolve({ message, payload });
          else reject(new Error(`${message.type} answers ${body.type}`));
        },
        failed: reject,
      });
      if (!this.#send({ ...body, requestId })) {
        this.#take(requestId)?.failed(new ProtocolError('GOING_AWAY', 'the coordinator is not running'));
      }
    });
  }

  #follow(credit: number): void {
    this.#send({ type: 'WatchEvents', requestId: EVENTS_REQUEST, credit });
  }

  #send(message: Message): boolean {
    if (!this.#opened) {
      this.#opened = this.#options.tell({
        type: 'connectionOpened',
        connectionId: LOCAL_CONNECTION,
        address: 'local',
        certificate: null,
        local: true,
      });
    }
    return this.#opened && this.#options.tell({ type: 'message', connectionId: LOCAL_CONNECTION, message });
  }

  #take(requestId: number): Waiting | undefined {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    return waiting;
  }

  #freeId(): number {
    do this.#lastId = this.#lastId === 2 ** 32 - 1 ? 1 : this.#lastId + 1;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}
