import type { TaskHandler } from '../tasks/kind.js';
import { attempt } from './attempt.js';
import type { RunOutcome } from './outcome.js';
import type { Run, RunListener, RunRequest } from './runner.js';
import { RunContext, TaskAbortedError } from './task-context.js';

/** A run on the thread of the agent, and at once the context of its handler: what lives as long as a task is one object. */
export class InlineRun extends RunContext implements Run {
  readonly #kind: string;
  readonly #input: unknown;
  readonly #listener: RunListener;
  #phase: 'running' | 'aborted' | 'over' = 'running';
  #controller: AbortController | null = null;

  constructor(request: RunRequest, input: unknown, listener: RunListener) {
    super(request.taskId, request.memories ?? [], request.traceparent ?? null);
    this.#kind = request.kind;
    this.#input = input;
    this.#listener = listener;
  }

  get isAborted(): boolean {
    return this.#phase === 'aborted';
  }

  begin(handler: TaskHandler): void {
    const outcome = attempt(this.#kind, handler, this.#input, this, this);
    if (outcome instanceof Promise) void outcome.then((later) => this.end(later));
    else this.end(outcome);
  }

  end(outcome: RunOutcome): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#listener.finished(outcome);
  }

  abort(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'aborted';
    this.#controller?.abort(new TaskAbortedError());
  }

  terminate(): void {
    this.abort();
    queueMicrotask(() => this.end({ outcome: 'aborted', runMs: 0 }));
  }

  protected makeSignal(): AbortSignal {
    this.#controller = new AbortController();
    if (this.isAborted) this.#controller.abort(new TaskAbortedError());
    return this.#controller.signal;
  }

  protected report(fraction: number, note?: string): void {
    if (this.#phase === 'over') return;
    if (note === undefined) this.#listener.progress(fraction);
    else this.#listener.progress(fraction, note);
  }
}
