import type { Message } from '../protocol/messages.js';
import { outcomeIn } from './answers.js';
import type { SubmittedTask } from './client-options.js';
import { deferred, settle, type Deferred } from './deferred.js';
import type { TaskOutcome } from './task.js';
import type { Waiting } from './waiting.js';

/** A promise of a submitted task, by its two ends, and how the task ended. */
export class Submission implements Waiting {
  readonly #resolve: (task: SubmittedTask) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #watch: ((taskId: string) => Promise<TaskOutcome>) | null;
  /** Made when somebody asks for it, or when it is there. */
  #outcome: Deferred<TaskOutcome> | null = null;

  /** `watch` asks for the outcome later; null: it comes by itself. */
  constructor(
    resolve: (task: SubmittedTask) => void,
    reject: (reason: unknown) => void,
    watch: ((taskId: string) => Promise<TaskOutcome>) | null,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#watch = watch;
  }

  accepted(taskId: string): boolean {
    this.#resolve({ taskId, result: () => this.#watch?.(taskId) ?? this.#deferred.promise });
    return this.#watch === null;
  }

  answered(message: Message, payload: Uint8Array | null): void {
    settle(this.#deferred, () => outcomeIn(message, payload));
  }

  failed(reason: unknown): void {
    this.#reject(reason);
    this.#deferred.reject(reason);
  }

  get #deferred(): Deferred<TaskOutcome> {
    return (this.#outcome ??= deferred());
  }
}
