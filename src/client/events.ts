import { deferred, type Deferred } from './deferred.js';
import type { SwarmEvent } from '../protocol/messages.js';
import { EVENT_CREDIT, type RequestBody } from './requests.js';
import type { Waiting } from './waiting.js';

/** Of which events to hear; what is left out does not matter. */
export interface EventFilter {
  /** Only events of tasks of this kind. */
  readonly kind?: string;
  readonly taskId?: string;
  /** Only events of this agent and its tasks. */
  readonly agentId?: string;
}

export interface EventOptions extends EventFilter {
  /** Begin with at most so many events that were before; 0 to 512, default 0. */
  readonly recent?: number;
  /** Aborted: the loop ends with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Stands where events were lost. */
export interface MissedEvents {
  readonly event: 'missed';
  /** When the client learned of it. Milliseconds since the Unix epoch. */
  readonly at: number;
  /** How many; null when nobody knows, because the connection was lost. */
  readonly missed: number | null;
}

type Item = SwarmEvent | MissedEvents;

/** What following asks of the client. */
export interface Following {
  ask(body: Extract<RequestBody, { readonly type: 'WatchEvents' }>, waiting: Waiting): number;
  /** The events of one notice were read. */
  readNotice(requestId: number): void;
  /** Nobody reads any more. */
  unfollow(requestId: number): void;
  now(): number;
}

const never = (): void => undefined;

export function followEvents(
  following: Following,
  { signal, recent = 0, ...filter }: EventOptions,
): AsyncIterableIterator<Item> {
  signal?.throwIfAborted();
  const abort = () => {
    queue.fail(signal?.reason);
    void queue.return();
  };
  const queue = new EventQueue({
    now: () => following.now(),
    read: () => following.readNotice(requestId),
    ended: () => {
      signal?.removeEventListener('abort', abort);
      following.unfollow(requestId);
    },
  });
  let requestId = following.ask(
    { type: 'WatchEvents', credit: EVENT_CREDIT, recent, ...filter },
    {
      events: (events, missed) => queue.push(events, missed),
      renumbered: (next) => (requestId = next),
      answered: never,
      failed: (error) => queue.fail(error),
    },
  );
  signal?.addEventListener('abort', abort, { once: true });
  return queue;
}

export async function recentEvents(
  following: Following,
  { recent = 512, ...filter }: EventFilter & { readonly recent?: number },
): Promise<readonly SwarmEvent[]> {
  const answer = deferred<readonly SwarmEvent[]>();
  const requestId = following.ask(
    { type: 'WatchEvents', credit: 1, recent, ...filter },
    {
      // a connection that is lost first brings a gap, and another notice
      events: (events, missed) => (missed === null ? undefined : answer.resolve(events)),
      answered: never,
      failed: answer.reject,
    },
  );
  const events = await answer.promise;
  following.unfollow(requestId);
  return events;
}

export interface EventQueueOptions {
  readonly now: () => number;
  /** The events of one notice were read. */
  readonly read: () => void;
  /** Nobody reads any more. */
  readonly ended: () => void;
}

/** Notices of events between the connection that brings them and the loop that reads them, one by one. */
export class EventQueue implements AsyncIterableIterator<Item> {
  readonly #options: EventQueueOptions;
  readonly #notices: { readonly items: Item[]; next: number; readonly counts: boolean }[] = [];
  #end: { readonly error: unknown } | null = null;
  #over = false;
  #news: Deferred<undefined> | null = null;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** `missed` were lost after these; null: an unknown number was, and it is no notice of the coordinator's. */
  push(events: readonly SwarmEvent[], missed: number | null): void {
    const items: Item[] = [...events];
    if (missed !== 0) items.push({ event: 'missed', at: this.#options.now(), missed });
    this.#notices.push({ items, next: 0, counts: missed !== null });
    this.#wake();
  }

  /** Nothing more comes: the loop throws this when it has read what is here. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    for (;;) {
      const item = this.#take();
      if (item !== undefined) return { done: false, value: item };
      if (this.#end !== null) {
        const { error } = this.#end;
        this.#end = null;
        await this.return();
        throw error;
      }
      if (this.#over) return { done: true, value: undefined };
      this.#news ??= deferred();
      await this.#news.promise;
    }
  }

  return(): Promise<IteratorResult<Item, undefined>> {
    if (!this.#over) {
      this.#over = true;
      this.#notices.length = 0;
      this.#options.ended();
      this.#wake();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  #wake(): void {
    this.#news?.resolve(undefined);
    this.#news = null;
  }

  #take(): Item | undefined {
    for (let notice = this.#notices[0]; notice !== undefined; notice = this.#notices[0]) {
      const item = notice.items[notice.next++];
      if (notice.next >= notice.items.length) {
        this.#notices.shift();
        if (notice.counts) this.#options.read();
      }
      if (item !== undefined) return item;
    }
    return undefined;
  }
}
