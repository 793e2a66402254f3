import { errorDetailOf } from '../tasks/failure.js';
import type { TaskHandler } from '../tasks/kind.js';
import { loadHandler } from '../tasks/registry.js';
import { failedRun } from './attempt.js';
import type { InlineRun } from './inline-run.js';

/** Runs the tasks of one kind on this thread. */
export class InlineKind {
  readonly #handler: Promise<TaskHandler>;
  /** What has not begun, in the order in which it was started. */
  readonly #started: InlineRun[] = [];

  constructor(kind: string) {
    this.#handler = loadHandler(kind);
  }

  start(run: InlineRun): void {
    this.#started.push(run);
    // Not now: the caller first has to know the run.
    this.#handler.then(this.#begin, this.#fail);
  }

  readonly #begin = (handler: TaskHandler): void => this.#started.shift()?.begin(handler);

  readonly #fail = (thrown: unknown): void =>
    this.#started.shift()?.end(failedRun(0, 'NO_HANDLER', errorDetailOf(thrown).message, true));
}
