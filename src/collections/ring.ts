/** The latest values, at most `limit`, oldest first. */
export class Ring<T> {
  readonly #limit: number;
  readonly #values: T[] = [];
  /** Index of the oldest once the ring is full. */
  #next = 0;

  constructor(limit: number, values: Iterable<T> = []) {
    this.#limit = limit;
    for (const value of values) this.push(value);
  }

  get size(): number {
    return this.#values.length;
  }

  push(value: T): void {
    if (this.#values.length < this.#limit) {
      this.#values.push(value);
      return;
    }
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#limit;
  }

  toArray(): T[] {
    return [...this.#values.slice(this.#next), ...this.#values.slice(0, this.#next)];
  }
}
