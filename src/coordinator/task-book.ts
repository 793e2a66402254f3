import type { TaskState } from '../protocol/messages.js';
import { LinkedList } from './linked-list.js';
import { isFinished, type Task } from './task.js';
import { transition, type TaskEvent } from './task-machine.js';

/**
 * How long finished tasks stay in memory, for queries, repeated results and idempotency keys; the oldest go first. Few are
 * enough, since the store is asked about the others, and many cost throughput.
 */
export interface RetentionRule {
  readonly count: number;
  readonly ageMs: number;
  /** Of their results. */
  readonly bytes: number;
}

export const DEFAULT_RETENTION: RetentionRule = {
  count: 10_000,
  ageMs: 3_600_000,
  bytes: 64 * 1024 * 1024,
};

type FinishedState = 'completed' | 'failed' | 'dead' | 'cancelled';

/**
 * Every task in memory: all unfinished ones and the latest finished ones, by id and idempotency key, counted by state.
 */
export class TaskBook {
  readonly #retention: RetentionRule;
  readonly #tasks = new Map<string, Task>();
  readonly #taskOfKey = new Map<string, Task>();
  /** In the order in which they finished. */
  readonly #finished = new LinkedList<Task>();
  readonly #counts: Record<TaskState, number> = {
    queued: 0,
    delayed: 0,
    leased: 0,
    running: 0,
    retrying: 0,
    completed: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
  };
  readonly #ended: Record<FinishedState, number> = { completed: 0, failed: 0, dead: 0, cancelled: 0 };
  #inputBytes = 0;
  #resultBytes = 0;

  constructor(retention: RetentionRule) {
    this.#retention = retention;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Bytes of the inputs of unfinished tasks. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Tasks that wait for their time or for an agent. */
  get waiting(): number {
    return this.#counts.queued + this.#counts.delayed + this.#counts.retrying;
  }

  /** Tasks that an agent has. */
  get held(): number {
    return this.#counts.leased + this.#counts.running;
  }

  get(taskId: string): Task | undefined {
    return this.#tasks.get(taskId);
  }

  byKey(idempotencyKey: string): Task | undefined {
    return this.#taskOfKey.get(idempotencyKey);
  }

  values(): IterableIterator<Task> {
    return this.#tasks.values();
  }

  /** Unfinished states: tasks in them now. Finished states: tasks that ended so since the start, kept or not. */
  countByState(): Record<TaskState, number> {
    return { ...this.#counts, ...this.#ended };
  }

  /** Takes an unfinished task in. */
  add(task: Task): void {
    const { taskId, idempotencyKey } = task.spec;
    this.#tasks.set(taskId, task);
    if (idempotencyKey !== null) this.#taskOfKey.set(idempotencyKey, task);
    this.#counts[task.phase.state]++;
    this.#inputBytes += task.input?.byteLength ?? 0;
  }

  /** Applies an event to a task. Throws UndefinedTransitionError. True when it finished the task. */
  apply(task: Task, event: TaskEvent): boolean {
    const before = task.phase.state;
    transition(task, event);
    const { phase } = task;
    this.#counts[before]--;
    this.#counts[phase.state]++;
    if (!isFinished(phase)) return false;
    this.#ended[phase.state]++;
    this.#inputBytes -= task.input?.byteLength ?? 0;
    task.input = null;
    this.#resultBytes += resultBytes(task);
    this.#finished.pushBack(task);
    this.forgetFinished(event.at);
    return true;
  }

  /** Forgets a task as if it had never been: its submit did not come to be. */
  withdraw(task: Task): void {
    const { phase } = task;
    if (isFinished(phase)) {
      this.#ended[phase.state]--;
      // it has only just finished, so it stands near the end
      let link = this.#finished.last;
      while (link !== null && link.value !== task) link = link.previous;
      if (link === null) return;
      this.#finished.remove(link);
    }
    this.#drop(task);
  }

  /** Forgets finished tasks over the retention's limits. Cheap: it looks at those it forgets. */
  forgetFinished(now: number): void {
    const { count, ageMs, bytes } = this.#retention;
    for (let oldest = this.#finished.first; oldest !== null; oldest = this.#finished.first) {
      const { phase } = oldest.value;
      const finishedAt = isFinished(phase) ? phase.finishedAt : now;
      const over = this.#finished.size > count || this.#resultBytes > bytes || finishedAt + ageMs <= now;
      if (!over) return;
      this.#finished.remove(oldest);
      this.#drop(oldest.value);
    }
  }

  /** When the oldest finished task is to be forgotten for its age, or null. */
  nextForgetAt(): number | null {
    const phase = this.#finished.first?.value.phase;
    return phase !== undefined && isFinished(phase) ? phase.finishedAt + this.#retention.ageMs : null;
  }

  #drop(task: Task): void {
    const { taskId, idempotencyKey } = task.spec;
    this.#tasks.delete(taskId);
    if (idempotencyKey !== null && this.#taskOfKey.get(idempotencyKey) === task) {
      this.#taskOfKey.delete(idempotencyKey);
    }
    this.#counts[task.phase.state]--;
    this.#inputBytes -= task.input?.byteLength ?? 0;
    this.#resultBytes -= resultBytes(task);
  }
}

function resultBytes(task: Task): number {
  return task.phase.state === 'completed' ? task.phase.result.byteLength : 0;
}
