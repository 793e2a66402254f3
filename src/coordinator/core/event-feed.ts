import type { MessageOf, SwarmEvent } from '../../protocol/messages.js';
import { cutText, ProtocolError } from '../../protocol/errors.js';
import type { Session } from './sessions/sessions.js';
import { isWanted, RecentEvents, type EventFilter } from './recent-events.js';
import type { CoreState } from './state.js';
import type { Task } from './tasks/task.js';

type EventName = SwarmEvent['event'];

/** One who wants to hear what happens, as far as credit goes. */
interface Subscriber {
  readonly connectionId: string;
  readonly requestId: number;
  readonly wants: EventFilter;
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
 * What happens to tasks and agents, told to those who asked for it. While nobody does, only the latest events are noted.
 * What is told is what was decided; the store may learn of it a moment later.
 */
export class EventFeed {
  readonly #subscribers = new Map<string, Subscriber>();
  /** As many as one notice holds. */
  readonly #recent = new RecentEvents(MAX_NOTICE_EVENTS);

  get isOpen(): boolean {
    return this.#subscribers.size > 0;
  }

  /** How many follow. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Begins, gives credit, or ends with a credit of 0. Who begins with `recent` gets those events at once, in one notice. */
  subscribe(core: CoreState, connectionId: string, message: MessageOf<'WatchEvents'>): void {
    const { requestId, credit, recent, kind, taskId, agentId } = message;
    const key = `${connectionId} ${requestId}`;
    const known = this.#subscribers.get(key);
    if (credit === 0) {
      this.#subscribers.delete(key);
    } else if (known !== undefined) {
      known.credit = credit;
    } else if (this.#subscribers.size >= MAX_SUBSCRIBERS) {
      const text = `${MAX_SUBSCRIBERS} follow the events already`;
      core.sendError(connectionId, new ProtocolError('TOO_MANY_REQUESTS', text, { requestId }));
    } else {
      const wants = { kind, taskId, agentId };
      const subscriber = { connectionId, requestId, wants, credit, waiting: [], dropped: 0 };
      this.#subscribers.set(key, subscriber);
      if (recent === undefined) return;
      subscriber.credit--;
      const events = this.#recent.latest(recent, wants);
      core.send(connectionId, { type: 'EventNotice', requestId, events, dropped: 0 });
    }
  }

  /** The connection is gone. */
  forget(connectionId: string): void {
    for (const [key, subscriber] of this.#subscribers) {
      if (subscriber.connectionId === connectionId) this.#subscribers.delete(key);
    }
  }

  emit(event: SwarmEvent): void {
    const { event: name, at, taskId, kind, priority, attempt, agentId, agentType, detail } = event;
    this.#recent.note(name, at, taskId, kind, priority, attempt, agentId, agentType, detail);
    this.#tell(event);
  }

  #tell(event: SwarmEvent): void {
    for (const subscriber of this.#subscribers.values()) {
      if (!isWanted(subscriber.wants, event)) continue;
      if (subscriber.waiting.length < MAX_WAITING_EVENTS) subscriber.waiting.push(event);
      else subscriber.dropped++;
    }
  }

  /** Something became of an agent. */
  agent(event: EventName, { agentId, identity }: Session, at: number, detail?: string): void {
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

  /** Something became of a task. */
  onTask(event: TaskEventName, task: Task, at: number): void {
    const { taskId, kind, priority } = task.spec;
    const attempt = task.attempts === 0 ? undefined : task.attempts;
    const agentId = task.agentId ?? undefined;
    const detail =
      'error' in task.phase
        ? cutText(`${task.phase.error.name}: ${task.phase.error.message}`, MAX_DETAIL)
        : undefined;
    this.#recent.note(event, at, taskId, kind, priority, attempt, agentId, undefined, detail);
    if (!this.isOpen) return;
    this.#tell({
      event,
      at,
      taskId,
      kind,
      priority,
      ...(attempt === undefined ? {} : { attempt }),
      ...(agentId === undefined ? {} : { agentId }),
      ...(detail === undefined ? {} : { detail }),
    });
  }
}

export type TaskEventName = Extract<EventName, `task-${string}`>;
