import type { RunOutcome } from './outcome.js';
import type { RunListener } from './runner.js';
import type { HeldTask } from './work-core.js';

/** Hears of the runs of all tasks. */
export interface TaskListener {
  progress(task: HeldTask, fraction: number, note?: string): void;
  finished(task: HeldTask, outcome: RunOutcome): void;
}

/** Tells of which task it is what the run of one tells. */
export class RunOfTask implements RunListener {
  readonly #task: HeldTask;
  readonly #listener: TaskListener;

  constructor(task: HeldTask, listener: TaskListener) {
    this.#task = task;
    this.#listener = listener;
  }

  progress(fraction: number, note?: string): void {
    this.#listener.progress(this.#task, fraction, note);
  }

  finished(outcome: RunOutcome): void {
    this.#listener.finished(this.#task, outcome);
  }
}
