/**
 * Remembers the latest ids: `limit` at least and twice as many at most, in two generations of which the older one is
 * forgotten at once.
 */
export class RecentIds {
  readonly #limit: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(limit: number, ids: Iterable<string> = []) {
    this.#limit = limit;
    for (const id of ids) this.add(id);
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }

  /** True when the id is new. */
  add(id: string): boolean {
    if (this.has(id)) return false;
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(id);
    return true;
  }

  /** Oldest first. */
  plain(): readonly string[] {
    return [...this.#old, ...this.#young];
  }
}
