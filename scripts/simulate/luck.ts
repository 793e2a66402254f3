import { seededRandom } from '../../test/support/impairment.js';

/** A repeatable random source with the draws that a simulation needs. */
export class Luck {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A source of its own that starts where this one says: its draws do not shift those of others. */
  fork(): Luck {
    return new Luck(Math.floor(this.fraction() * 2 ** 32));
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.#next();
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.#next();
  }

  /** Exponentially distributed: the gaps between independent events. */
  gap(mean: number): number {
    return -mean * Math.log(1 - this.#next());
  }

  /** Throws on []. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
