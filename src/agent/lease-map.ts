import { TransientMap } from '../collections/transient-map.js';
import type { Lease } from '../protocol/messages.js';

interface OfTask {
  readonly task: { readonly lease: Lease };
}

/**
 * What there is of each lease. Most tasks have one, so it is looked for by the task alone; a key made of both task and epoch
 * is needed only for what is further leases of the same task.
 */
export class LeaseMap<T extends OfTask> {
  readonly #byTask = new TransientMap<string, T>();
  /** Came while there was another one of their task. */
  readonly #further = new Map<string, T>();

  get size(): number {
    return this.#byTask.size + this.#further.size;
  }

  get(lease: Lease): T | undefined {
    const first = this.#byTask.get(lease.taskId);
    if (first?.task.lease.epoch === lease.epoch) return first;
    return this.#further.size === 0 ? undefined : this.#further.get(keyOf(lease));
  }

  /** Replaces what there is of the same lease. */
  set(value: T): void {
    const { lease } = value.task;
    const first = this.#byTask.get(lease.taskId);
    const isFurther =
      first === undefined
        ? this.#further.size > 0 && this.#further.has(keyOf(lease))
        : first.task.lease.epoch !== lease.epoch;
    if (isFurther) this.#further.set(keyOf(lease), value);
    else this.#byTask.set(lease.taskId, value);
  }

  delete(lease: Lease): void {
    const first = this.#byTask.get(lease.taskId);
    if (first?.task.lease.epoch === lease.epoch) this.#byTask.delete(lease.taskId);
    else if (this.#further.size > 0) this.#further.delete(keyOf(lease));
  }

  *values(): Iterable<T> {
    yield* this.#byTask.values();
    yield* this.#further.values();
  }
}

const keyOf = ({ taskId, epoch }: Lease): string => `${taskId}#${epoch}`;
