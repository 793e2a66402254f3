import type { Task } from './task.js';

/** What is known of the needs of one blocked task. */
interface Entry {
  /** Those of its needs that have completed. */
  readonly met: Set<string>;
  /** Something of it is under way: a question to the store, or the commit of its release. */
  busy: boolean;
}

/** The blocked tasks, and who waits for whom. What follows from it is decided in needs.ts. */
export class NeedsBook {
  /** All and only the blocked tasks whose submit is stored. */
  readonly #entries = new Map<Task, Entry>();
  /** By the id of a needed task: all that wait for its end. */
  readonly #dependents = new Map<string, Set<Task>>();
  /** To be looked at before the turn ends. */
  #news = new Set<Task>();

  get size(): number {
    return this.#entries.size;
  }

  get hasNews(): boolean {
    return this.#news.size > 0;
  }

  /** There is something new about a blocked task, or it is new itself. */
  look(task: Task): void {
    if (!this.#entries.has(task)) this.#entries.set(task, { met: new Set(), busy: false });
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
  ended(taskId: string): void {
    const dependents = this.#dependents.get(taskId);
    if (dependents === undefined) return;
    this.#dependents.delete(taskId);
    for (const task of dependents) this.#news.add(task);
  }

  /** Takes out what is to be looked at. */
  takeNews(): ReadonlySet<Task> {
    const news = this.#news;
    this.#news = new Set();
    return news;
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
