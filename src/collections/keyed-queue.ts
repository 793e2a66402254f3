import { LinkedList, type Listed } from './linked-list.js';

class Entry<T> implements Listed<Entry<T>> {
  list: LinkedList<Entry<T>> | null = null;
  previous: Entry<T> | null = null;
  next: Entry<T> | null = null;

  constructor(
    readonly key: string,
    public value: T,
  ) {}
}

/**
 * Values by key in the order in which they were set; the oldest is found in O(1).
 *
 * The order is kept apart from the Map: its first key takes the longer to find the more were deleted before it (tens of
 * microseconds among 100,000), and an iterator that is kept to step over those once keeps every table alive that the Map
 * has outgrown since.
 */
export class KeyedQueue<T> {
  readonly #entries = new Map<string, Entry<T>>();
  /** Oldest first. */
  #order = new LinkedList<Entry<T>>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Puts it last, also when the key is there already. */
  set(key: string, value: T): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = new Entry(key, value);
      this.#entries.set(key, entry);
    } else {
      entry.value = value;
      this.#order.remove(entry);
    }
    this.#order.pushBack(entry);
  }

  /** Removes and returns the value, or undefined. */
  take(key: string): T | undefined {
    return this.#remove(this.#entries.get(key));
  }

  /** The value that was set first, or undefined. */
  oldest(): T | undefined {
    return this.#order.first?.value;
  }

  /** Removes and returns it. */
  takeOldest(): T | undefined {
    return this.#remove(this.#order.first ?? undefined);
  }

  /** Oldest first. */
  toArray(): T[] {
    return Array.from(this.#order, ({ value }) => value);
  }

  clear(): void {
    this.#entries.clear();
    this.#order = new LinkedList();
  }

  #remove(entry: Entry<T> | undefined): T | undefined {
    if (entry === undefined) return undefined;
    this.#order.remove(entry);
    this.#entries.delete(entry.key);
    return entry.value;
  }
}
