import { ownBytes } from '../../../protocol/byte-slabs.js';
import type { FinishedState, TaskState } from '../../../protocol/messages.js';
import type { TaskEventName } from '../event-feed.js';
import { LinkedList } from '../../../collections/linked-list.js';
import { TransientMap } from '../../../collections/transient-map.js';
import { isFinished, type Task } from './task.js';
import { TaskJournal } from './task-journal.js';
import { TaskMeters } from './task-meters.js';
import { transition, type TaskEvent } from './task-machine.js';

/**
 * How long finished tasks stay in memory, for watchers, repeated results and idempotency keys; the oldest go first. Few
 * are enough, since the store is asked about the others, and many cost throughput.
 */
export interface CacheRule {
  readonly count: number;
  readonly ageMs: number;
  /** Of their results. */
  readonly bytes: number;
}

export const DEFAULT_CACHE: CacheRule = {
  count: 2_000,
  ageMs: 3_600_000,
  bytes: 64 * 1024 * 1024,
};

/** What is told when a task comes into a state: texts made once, not for each change. */
const EVENTS: { readonly [S in TaskState]: `task-${S}` } = {
  queued: 'task-queued',
  delayed: 'task-delayed',
  blocked: 'task-blocked',
  leased: 'task-leased',
  running: 'task-running',
  retrying: 'task-retrying',
  completed: 'task-completed',
  failed: 'task-failed',
  dead: 'task-dead',
  cancelled: 'task-cancelled',
};

/** `before` and `cause`: the state it was in and what led out of it; null when it is new, queued again or withdrawn. Must not change tasks. */
export type TaskObserver = (
  event: TaskEventName,
  task: Task,
  at: number,
  before: TaskState | null,
  cause: TaskEvent | null,
) => void;

export type StateCounts = Readonly<Partial<Record<TaskState, number>>>;

/**
 * Every task in memory: all unfinished ones and the latest finished ones, by id and idempotency key, counted by state,
 * with the bytes of their inputs, and of those inputs that are in memory.
 */
export class TaskBook {
  /** Tells whoever listens of a change of a task's state; null while nobody does. */
  observer: TaskObserver | null = null;
  readonly #observers = new Set<TaskObserver>();
  readonly meters = new TaskMeters();
  readonly #cache: CacheRule;
  readonly #journal = new TaskJournal();
  readonly #tasks = new TransientMap<string, Task>();
  readonly #taskOfKey = new Map<string, Task>();
  /** In the order in which they finished. */
  readonly #finished = new LinkedList<Task>();
  readonly #counts: Record<TaskState, number> = {
    queued: 0,
    delayed: 0,
    blocked: 0,
    leased: 0,
    running: 0,
    retrying: 0,
    completed: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
  };
  readonly #ended: Record<FinishedState, number>;
  #inputBytes = 0;
  #cachedBytes = 0;
  #resultBytes = 0;

  /** `before`: tasks by state in the store at the start; its finished ones are counted on from. */
  constructor(cache: CacheRule, before: StateCounts = {}) {
    const { completed = 0, failed = 0, dead = 0, cancelled = 0 } = before;
    this.#cache = cache;
    this.#ended = { completed, failed, dead, cancelled };
  }

  /** Has changes told to `observer` from now on. */
  observe(observer: TaskObserver): void {
    this.#observers.add(observer);
    const [first = null, ...others] = this.#observers;
    this.observer =
      others.length === 0
        ? first
        : (...change) => {
            for (const observer of this.#observers) observer(...change);
          };
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Bytes of the inputs of unfinished tasks, wherever they are. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Bytes of those of them that are in memory. */
  get cachedBytes(): number {
    return this.#cachedBytes;
  }

  /** Tasks that wait for their time, for other tasks or for an agent. */
  get waiting(): number {
    const { queued, delayed, blocked, retrying } = this.#counts;
    return queued + delayed + blocked + retrying;
  }

  /** Tasks that an agent has. */
  get held(): number {
    return this.#counts.leased + this.#counts.running;
  }

  get(taskId: string): Task | undefined {
    return this.#tasks.get(taskId);
  }

  /** The task that holds a key: an unfinished one, or one within its window. */
  byKey(idempotencyKey: string, now: number): Task | undefined {
    const task = this.#taskOfKey.get(idempotencyKey);
    return task !== undefined && holdsKey(task, now) ? task : undefined;
  }

  values(): IterableIterator<Task> {
    return this.#tasks.values();
  }

  /** Unfinished states: tasks in them now. Finished states: tasks that ended so, kept or not, and were not retried. */
  countByState(): Record<TaskState, number> {
    return { ...this.#counts, ...this.#ended };
  }

  /** Takes in a task that is new. */
  submit(task: Task, at: number): void {
    this.add(task);
    this.meters.submitted(task);
    this.observer?.('task-submitted', task, at, null, null);
  }

  /** Takes an unfinished task in. */
  add(task: Task): void {
    this.#tasks.set(task.spec.taskId, task);
    this.#holdKey(task);
    this.#counts[task.phase.state]++;
    this.meters.entered(task);
    this.#inputBytes += task.inputBytes;
    this.#cachedBytes += task.input?.byteLength ?? 0;
  }

  /** Applies an event to an unfinished task. Throws UndefinedTransitionError. True when it finished the task. */
  apply(task: Task, event: TaskEvent): boolean {
    const before = task.phase.state;
    transition(task, event, this.#journal);
    const { phase } = task;
    this.#counts[before]--;
    this.#counts[phase.state]++;
    this.meters.changed(task, before, event);
    if (this.observer !== null && phase.state !== before)
      this.observer(EVENTS[phase.state], task, event.at, before, event);
    if (!isFinished(phase)) return false;
    this.#ended[phase.state]++;
    this.#inputBytes -= task.inputBytes;
    this.dropInput(task);
    this.#resultBytes += resultBytes(task);
    this.#finished.pushBack(task);
    this.forgetFinished(event.at);
    return true;
  }

  /**
   * Makes a finished task an unfinished one again, in memory or from the store. Throws UndefinedTransitionError when it
   * is not one to be retried.
   */
  revive(task: Task, at: number): void {
    const { phase } = task;
    transition(task, { type: 'retry', at }, this.#journal);
    if (isFinished(phase)) this.#ended[phase.state] = Math.max(0, this.#ended[phase.state] - 1);
    if (this.#finished.remove(task)) this.#counts[phase.state]--;
    task.readyAt = at;
    this.add(task);
    this.observer?.('task-retried', task, at, null, null);
  }

  /** Forgets a task as if it had never been: its submit did not come to be. */
  withdraw(task: Task): void {
    const { phase } = task;
    if (isFinished(phase)) {
      this.#ended[phase.state]--;
      if (!this.#finished.remove(task)) return;
    }
    this.#drop(task);
  }

  /** Puts the input of an unfinished task into memory. */
  putInput(task: Task, input: Uint8Array): void {
    if (task.input !== null) return;
    task.input = input;
    this.#cachedBytes += input.byteLength;
  }

  /** Gives a task another input: the results of others have been put into the one it came with. */
  replaceInput(task: Task, input: Uint8Array): void {
    if (isFinished(task.phase)) {
      task.inputBytes = input.byteLength;
      return;
    }
    this.dropInput(task);
    this.#inputBytes += input.byteLength - task.inputBytes;
    task.inputBytes = input.byteLength;
    this.putInput(task, input);
  }

  /** Moves the input of a task to where it holds nothing else in memory. */
  isolateInput(task: Task): void {
    if (task.input !== null) task.input = ownBytes(task.input);
  }

  /** Takes the input of a task out of memory. */
  dropInput(task: Task): void {
    this.#cachedBytes -= task.input?.byteLength ?? 0;
    task.input = null;
  }

  /** Forgets finished tasks over the cache's limits. Cheap: it looks at those it forgets. */
  forgetFinished(now: number): void {
    const { count, ageMs, bytes } = this.#cache;
    for (let oldest = this.#finished.first; oldest !== null; oldest = this.#finished.first) {
      const { phase } = oldest;
      const finishedAt = isFinished(phase) ? phase.finishedAt : now;
      const over = this.#finished.size > count || this.#resultBytes > bytes || finishedAt + ageMs <= now;
      if (!over) return;
      this.#finished.remove(oldest);
      this.#drop(oldest);
    }
  }

  /** When the oldest finished task is to be forgotten for its age, or null. */
  nextForgetAt(): number | null {
    const phase = this.#finished.first?.phase;
    return phase !== undefined && isFinished(phase) ? phase.finishedAt + this.#cache.ageMs : null;
  }

  /** An older task that is retried does not take its key from a newer one. */
  #holdKey(task: Task): void {
    const { idempotencyKey, submittedAt } = task.spec;
    if (idempotencyKey === null) return;
    const holder = this.#taskOfKey.get(idempotencyKey);
    if (holder === undefined || holder.spec.submittedAt <= submittedAt) {
      this.#taskOfKey.set(idempotencyKey, task);
    }
  }

  #drop(task: Task): void {
    const { taskId, idempotencyKey } = task.spec;
    this.#tasks.delete(taskId);
    if (idempotencyKey !== null && this.#taskOfKey.get(idempotencyKey) === task) {
      this.#taskOfKey.delete(idempotencyKey);
    }
    this.#counts[task.phase.state]--;
    this.meters.left(task);
    if (isFinished(task.phase)) {
      this.#resultBytes -= resultBytes(task);
    } else {
      this.#inputBytes -= task.inputBytes;
      this.dropInput(task);
    }
  }
}

function holdsKey({ spec, phase }: Task, now: number): boolean {
  return !isFinished(phase) || spec.keyHeldUntil === null || spec.keyHeldUntil > now;
}

function resultBytes(task: Task): number {
  return task.phase.state === 'completed' ? task.phase.result.byteLength : 0;
}
