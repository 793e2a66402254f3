import { KeyedQueue } from './keyed-queue.js';

/** A map of a bounded size: the entry that was set longest ago makes room for a new one. */
export class RecentMap<V> {
  readonly #limit: number;
  readonly #entries = new KeyedQueue<V>();

  /** `limit`: at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.takeOldest();
  }
}
