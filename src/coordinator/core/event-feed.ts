import type { MessageOf } from '../../protocol/messages.js';
import { cutText, ProtocolError } from '../../protocol/errors.js';
import type { Session } from './sessions/sessions.js';
import type { CoreState } from './state.js';
import type { Task } from './tasks/task.js';

export type SwarmEvent = MessageOf<'EventNotice'>['events'][number];
type EventName = SwarmEvent['event'];

/** One who wants to hear what happens, as far as credit goes. */
interface Subscriber {
  readonly connectionId: string;
  readonly requestId: number;
  /** Notices that may be sent before more credit comes. */
  credit: number;
  waiting: SwarmEvent[];
  /** Lost after those that wait. */
  dropped: number;
}

const MAX_DETAIL = 512;
/** Over all connections. */
const MAX_SUBSCRIBERS = 256;
/** Events that wait for one subscriber; those after them are dropped and counted. */
export const MAX_WAITING_EVENTS = 4_096;
/** Events in one notice. */
export const MAX_NOTICE_EVENTS = 512;

/**
 * What happens to tasks and agents, told to those who asked for it. While nobody does, nothing is made or kept. What is
 * told is what was decided; the store may learn of it a moment later.
 */
export class EventFeed {
  readonly #subscribers = new Map<string, Subscriber>();

  get isOpen(): boolean {
    return this.#subscribers.size > 0;
  }

  /** How many follow. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Begins, gives credit, or ends with a credit of 0. */
  subscribe(
    core: CoreState,
    connectionId: string,
    { requestId, credit }: Pick<MessageOf<'WatchEvents'>, 'requestId' | 'credit'>,
  ): void {
    const key = `${connectionId} ${requestId}`;
    const known = this.#subscribers.get(key);
    if (credit === 0) {
      this.#subscribers.delete(key);
    } else if (known !== undefined) {
      known.credit = credit;
    } else if (this.#subscribers.size >= MAX_SUBSCRIBERS) {
      const text = `${MAX_SUBSCRIBERS} follow the events already`;
      core.sendError(connectionId, new ProtocolError('TOO_MANY_REQUESTS', text, { requestId }));
      return;
    } else {
      this.#subscribers.set(key, { connectionId, requestId, credit, waiting: [], dropped: 0 });
    }
    this.#observe(core);
  }

  /** The connection is gone. */
  forget(core: CoreState, connectionId: string): void {
    if (!this.isOpen) return;
    for (const [key, subscriber] of this.#subscribers) {
      if (subscriber.connectionId === connectionId) this.#subscribers.delete(key);
    }
    this.#observe(core);
  }

  emit(event: SwarmEvent): void {
    for (const subscriber of this.#subscribers.values()) {
      if (subscriber.waiting.length < MAX_WAITING_EVENTS) subscriber.waiting.push(event);
      else subscriber.dropped++;
    }
  }

  /** Something became of an agent. */
  agent(event: EventName, { agentId, identity }: Session, at: number, detail?: string): void {
    if (!this.isOpen) return;
    const { agentType } = identity;
    this.emit({
      event,
      at,
      agentId,
      agentType,
      ...(detail === undefined ? {} : { detail: cutText(detail, MAX_DETAIL) }),
    });
  }

  /** Sends what has come together, as far as credit goes. */
  deliver(core: CoreState): void {
    for (const subscriber of this.#subscribers.values()) {
      const { connectionId, requestId } = subscriber;
      while (subscriber.credit > 0 && (subscriber.waiting.length > 0 || subscriber.dropped > 0)) {
        const events = subscriber.waiting.splice(0, MAX_NOTICE_EVENTS);
        const dropped = subscriber.waiting.length > 0 ? 0 : subscriber.dropped;
        subscriber.dropped -= dropped;
        subscriber.credit--;
        core.send(connectionId, { type: 'EventNotice', requestId, events, dropped });
      }
    }
  }

  #observe(core: CoreState): void {
    if (this.isOpen) core.tasks.observe(this.#onTask);
    else core.tasks.unobserve(this.#onTask);
  }

  readonly #onTask = (event: TaskEventName, task: Task, at: number): void => {
    const { taskId, kind, priority } = task.spec;
    this.emit({
      event,
      at,
      taskId,
      kind,
      priority,
      ...(task.attempts === 0 ? {} : { attempt: task.attempts }),
      ...(task.agentId === null ? {} : { agentId: task.agentId }),
      ...('error' in task.phase
        ? { detail: cutText(`${task.phase.error.name}: ${task.phase.error.message}`, MAX_DETAIL) }
        : {}),
    });
  };
}

export type TaskEventName = Extract<EventName, `task-${string}`>;
