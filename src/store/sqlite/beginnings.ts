import type { StoreOp } from '../store.js';

type Submit = Extract<StoreOp, { op: 'submit' }>;
type Lease = Extract<StoreOp, { op: 'lease' }>;
type Complete = Extract<StoreOp, { op: 'complete' }>;

/**
 * What a batch says of a plain new task, as far as it takes its usual course: its submit, the lease that comes next, and
 * the end that comes next after that, with nothing else about the task in between. Such a task is written once instead
 * of two or three times.
 */
export interface Beginning {
  readonly submit: Submit;
  /** Place of the submit in the batch; the others likewise. */
  readonly submitAt: number;
  lease: Lease | null;
  leaseAt: number;
  complete: Complete | null;
  completeAt: number;
}

/** What happens to an operation of a batch: null is by itself, `merged` is part of a beginning that starts before it. */
export type Part = Beginning | 'merged' | null;

/** The part that each operation of a batch has, by its place. */
export function beginningsOf(operations: readonly StoreOp[]): Part[] {
  const parts = new Array<Part>(operations.length).fill(null);
  const open = new Map<string, Beginning>();
  for (const [index, operation] of operations.entries()) {
    const taskId = taskIdOf(operation);
    if (taskId === null) continue;
    const known = open.get(taskId);
    if (known === undefined) {
      if (operation.op !== 'submit' || !isPlain(operation)) continue;
      const beginning = newBeginning(operation, index);
      open.set(taskId, beginning);
      parts[index] = beginning;
    } else if (operation.op === 'lease' && known.lease === null && operation.lease.epoch > 0) {
      // A task begins with epoch 0, which its first lease has to exceed.
      known.lease = operation;
      known.leaseAt = index;
      parts[index] = 'merged';
    } else {
      open.delete(taskId);
      if (operation.op !== 'complete' || operation.epoch !== known.lease?.lease.epoch) continue;
      known.complete = operation;
      known.completeAt = index;
      parts[index] = 'merged';
    }
  }
  return parts;
}

/** Leaves in a beginning only what comes before `place` in the batch; what comes after it is by itself again. */
export function cutBeginning(beginning: Beginning, place: number, parts: Part[]): void {
  if (beginning.complete !== null && beginning.completeAt > place) {
    parts[beginning.completeAt] = null;
    beginning.complete = null;
  }
  if (beginning.lease !== null && beginning.leaseAt > place) {
    parts[beginning.leaseAt] = null;
    beginning.lease = null;
  }
}

/** Null for what is not about a task. */
export function taskIdOf(operation: StoreOp): string | null {
  if (operation.op === 'submit') return operation.spec.taskId;
  if (operation.op === 'lease') return operation.lease.taskId;
  return 'taskId' in operation ? operation.taskId : null;
}

/** Without key, affinity, delay, needs and trace, as most are. */
function isPlain({ spec, notBefore }: Submit): boolean {
  if (spec.needs !== undefined || spec.traceparent !== undefined) return false;
  return spec.idempotencyKey === null && spec.affinity === null && notBefore === null;
}

function newBeginning(submit: Submit, submitAt: number): Beginning {
  return { submit, submitAt, lease: null, leaseAt: -1, complete: null, completeAt: -1 };
}
