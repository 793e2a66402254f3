import type { Lease } from '../protocol/messages.js';

/**
 * Remembers the newest lease of the tasks that were settled lately: of `limit` tasks at least and of twice as many at most, in
 * two generations of which the older one is forgotten at once.
 */
export class SettledLeases {
  readonly #limit: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** This lease was settled, or a newer one of its task. */
  has({ taskId, epoch }: Lease): boolean {
    return epoch <= (this.#young.get(taskId) ?? -1) || epoch <= (this.#old.get(taskId) ?? -1);
  }

  add({ taskId, epoch }: Lease): void {
    if (epoch <= (this.#young.get(taskId) ?? -1)) return;
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(taskId, epoch);
  }
}
