import { KeyedQueue } from '../../collections/keyed-queue.js';
import type { Pattern, PatternOutcome } from './pattern.js';

/**
 * The patterns in memory, at most `max`. When there is one too many, the oldest of the larger group goes: of those with an
 * outcome, or of those without. So patterns that wait for their outcome cannot drive out what is known, nor be driven out
 * before it comes.
 */
export class PatternBook {
  readonly #max: number;
  readonly #open = new KeyedQueue<Pattern>();
  readonly #known = new KeyedQueue<Pattern>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#open.size + this.#known.size;
  }

  get withOutcome(): number {
    return this.#known.size;
  }

  get(taskId: string): Pattern | null {
    return this.#known.get(taskId) ?? this.#open.get(taskId) ?? null;
  }

  /** Returns the task of the pattern that had to go, or null. */
  put(pattern: Pattern): string | null {
    const { taskId, outcome } = pattern;
    this.#open.take(taskId);
    this.#known.take(taskId);
    (outcome === null ? this.#open : this.#known).set(taskId, pattern);
    if (this.size <= this.#max) return null;
    const larger = this.#known.size > this.#open.size ? this.#known : this.#open;
    return larger.takeOldest()?.taskId ?? null;
  }

  /** The pattern with its outcome, or null when it is not kept or has one already. */
  report(taskId: string, outcome: PatternOutcome): Pattern | null {
    const open = this.#open.take(taskId);
    if (open === undefined) return null;
    const known = { ...open, outcome };
    this.#known.set(taskId, known);
    return known;
  }
}
