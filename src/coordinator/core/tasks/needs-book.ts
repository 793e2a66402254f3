import type { FinishedState } from '../../../protocol/messages.js';
import type { Due } from '../due.js';
import { Timer } from '../timers.js';
import type { Task } from './task.js';

/** What is known of the needs of one blocked task. */
interface Entry {
  /** Those of its needs that have completed. */
  readonly met: Set<string>;
  /** Something of it is under way: a question to the store, or the commit of its release. */
  busy: boolean;
  /** There was news meanwhile: what the store answers may be older. */
  again: boolean;
}

/** The blocked tasks, and who waits for whom. What follows from it is decided in needs.ts. */
export class NeedsBook {
  /** All and only the blocked tasks whose submit is stored. */
  readonly #entries = new Map<Task, Entry>();
  /** By the id of a needed task: all that wait for its end. */
  readonly #dependents = new Map<string, Set<Task>>();
  /** To be looked at before the turn ends. */
  readonly #news = new Set<Task>();
  /** What was news before that; the first `#taken` have been looked at. */
  #taking: readonly Task[] = [];
  #taken = 0;
  /** How needed tasks ended, until all that wait for them were looked at: memory may forget a task before that. */
  readonly #ends = new Map<string, FinishedState>();
  /** Runs while there is news for the next turn. */
  readonly timer = new Timer<Due>({ kind: 'needs' });

  get size(): number {
    return this.#entries.size;
  }

  get hasNews(): boolean {
    return this.#news.size > 0 || this.#taken < this.#taking.length;
  }

  /** There is something new about a blocked task, or it is new itself. */
  look(task: Task): void {
    if (!this.#entries.has(task)) this.#entries.set(task, { met: new Set(), busy: false, again: false });
    this.#news.add(task);
  }

  /** Null for a task that is not blocked any more. */
  entry(task: Task): Entry | null {
    return this.#entries.get(task) ?? null;
  }

  /** The task is to be looked at when the needed one has ended. */
  awaitEnd(neededId: string, task: Task): void {
    const dependents = this.#dependents.get(neededId);
    if (dependents === undefined) this.#dependents.set(neededId, new Set([task]));
    else dependents.add(task);
  }

  /** The end of a task is stored. */
  ended(taskId: string, state: FinishedState): void {
    const dependents = this.#dependents.get(taskId);
    if (dependents === undefined) return;
    this.#dependents.delete(taskId);
    this.#ends.set(taskId, state);
    for (const task of dependents) this.#news.add(task);
  }

  /** How a task ended that is not in memory any more, if that is known still. */
  endOf(taskId: string): FinishedState | undefined {
    return this.#ends.get(taskId);
  }

  /** Takes out what is to be looked at, `limit` at most. Some of it may not be blocked any more. */
  takeNews(limit: number): readonly Task[] {
    if (this.#taken === this.#taking.length) {
      this.#taking = [...this.#news];
      this.#taken = 0;
      this.#news.clear();
    }
    const some = this.#taking.slice(this.#taken, this.#taken + limit);
    this.#taken += some.length;
    return some;
  }

  /** All that was news has been looked at. */
  rest(): void {
    this.#taking = [];
    this.#taken = 0;
    this.#ends.clear();
  }

  /** The task is no longer blocked. */
  forget(task: Task): void {
    if (!this.#entries.delete(task)) return;
    this.#news.delete(task);
    for (const neededId of task.spec.needs?.taskIds ?? []) {
      const dependents = this.#dependents.get(neededId);
      if (dependents?.delete(task) === true && dependents.size === 0) this.#dependents.delete(neededId);
    }
  }
}
