/**
 * Values by key in the order in which they were set; the oldest is found in O(1). A plain Map would have to step over the
 * places of all that was deleted before it, each time.
 */
export class KeyedQueue<T> {
  readonly #entries = new Map<string, { readonly key: string; readonly value: T }>();
  /** Goes once through the map, which skips what is deleted ahead of it and reaches what is added. */
  #cursor = this.#entries.values();
  /** The oldest, unless it is no longer in the map. */
  #head: { readonly key: string; readonly value: T } | null = null;

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
    this.#entries.delete(key);
    this.#entries.set(key, { key, value });
  }

  /** Removes and returns the value, or undefined. */
  take(key: string): T | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** The value that was set first, or undefined. */
  oldest(): T | undefined {
    return this.#first()?.value;
  }

  /** Removes and returns it. */
  takeOldest(): T | undefined {
    const first = this.#first();
    if (first !== null) this.#entries.delete(first.key);
    return first?.value;
  }

  /** Oldest first. */
  toArray(): T[] {
    return Array.from(this.#entries.values(), ({ value }) => value);
  }

  clear(): void {
    this.#entries.clear();
  }

  #first(): { readonly key: string; readonly value: T } | null {
    if (this.#entries.size === 0) return null;
    if (this.#head !== null && this.#entries.get(this.#head.key) === this.#head) return this.#head;
    let next = this.#cursor.next();
    if (next.done === true) {
      // it had come to the end before the latest were added
      this.#cursor = this.#entries.values();
      next = this.#cursor.next();
    }
    this.#head = next.done === true ? null : next.value;
    return this.#head;
  }
}
