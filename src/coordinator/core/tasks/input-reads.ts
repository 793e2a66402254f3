import type { Due } from '../due.js';
import type { CoreState } from '../state.js';
import type { Task } from './task.js';
import { Timer } from '../timers.js';

/** What is under way to bring inputs from the store into memory; see read-ahead.ts. */
export class InputReads {
  underWay: { readonly readId: number; readonly tasks: readonly Task[] } | null = null;
  nextReadId = 1;
  /** Leases to be given before it is worth looking ahead again. */
  leasesToGo = 0;
  /** All and only the tasks whose input was read and that wait for an agent since. */
  readonly loaded = new Set<Task>();
  /** Runs after a failed read. */
  readonly retryTimer = new Timer<Due>({ kind: 'read-retry' });

  get paused(): boolean {
    return this.retryTimer.index !== -1;
  }
}

/** A task leaves the ready queue: what was read for it has served, or is no longer needed. */
export function inputServed(core: CoreState, task: Task): void {
  if (core.inputs.loaded.size > 0) core.inputs.loaded.delete(task);
}

/** Drops the input of a task that the store has when memory holds more than it should. */
export function trimInput(core: CoreState, task: Task): void {
  if (task.stored && core.tasks.cachedBytes > core.options.inputCacheBytes) core.tasks.dropInput(task);
}
