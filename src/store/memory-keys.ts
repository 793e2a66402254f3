import type { TaskSpec } from './records.js';

interface Holder {
  readonly taskId: string;
  readonly heldUntil: number;
}

/** Keys that are looked at when there are too many of them, at each submit. */
const SWEEP = 64;

/** Which task has an idempotency key, also when the task itself is forgotten. */
export class MemoryKeys {
  /** In the order in which they were taken. */
  readonly #holders = new Map<string, Holder>();

  constructor(
    readonly limit: number,
    readonly isUnfinished: (taskId: string) => boolean,
  ) {}

  /** The task that holds a key at a time. */
  holder(key: string, at: number): string | null {
    const holder = this.#holders.get(key);
    return holder !== undefined && this.#holds(holder, at) ? holder.taskId : null;
  }

  take(spec: TaskSpec): void {
    if (spec.idempotencyKey === null) return;
    // taken anew, it goes to the end
    this.#holders.delete(spec.idempotencyKey);
    this.#holders.set(spec.idempotencyKey, { taskId: spec.taskId, heldUntil: spec.keyHeldUntil ?? 0 });
    if (this.#holders.size > this.limit) this.#dropOldest();
  }

  /** Takes the key for a task that is queued once more, unless another one holds it by now. */
  retake(spec: TaskSpec, now: number): void {
    const holder = spec.idempotencyKey === null ? undefined : this.#holders.get(spec.idempotencyKey);
    if (holder === undefined || !this.#holds(holder, now)) this.take(spec);
  }

  forgetExpired(now: number): void {
    for (const [key, holder] of this.#holders) if (!this.#holds(holder, now)) this.#holders.delete(key);
  }

  #holds(holder: Holder, now: number): boolean {
    return holder.heldUntil > now || this.isUnfinished(holder.taskId);
  }

  #dropOldest(): void {
    let looked = 0;
    for (const [key, { taskId }] of this.#holders) {
      if (this.#holders.size <= this.limit || ++looked > SWEEP) return;
      if (!this.isUnfinished(taskId)) this.#holders.delete(key);
    }
  }
}
