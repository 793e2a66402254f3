import type { StoreOp, StoreOutcome } from '../store.js';
import type { RecordTables } from './record-tables.js';
import type { TaskInserts } from './task-inserts.js';
import type { TaskTable } from './task-table.js';

type Submit = Extract<StoreOp, { op: 'submit' }>;
type Lease = Extract<StoreOp, { op: 'lease' }>;

const APPLIED: StoreOutcome = { status: 'applied' };

/** Where a batch of operations goes. */
export interface Tables {
  readonly tasks: TaskTable;
  readonly inserts: TaskInserts;
  readonly records: RecordTables;
}

/**
 * Carries out operations with the outcome that they have one after the other, in the transaction of the caller. Plain
 * submits are held back to be inserted together, until something else concerns the same task.
 */
export function applyBatch(operations: readonly StoreOp[], tables: Tables): StoreOutcome[] {
  const { inserts, tasks } = tables;
  const leases = firstLeases(operations);
  const merged = new Set<StoreOp>();
  const outcomes = new Array<StoreOutcome>(operations.length).fill(APPLIED);
  operations.forEach((operation, index) => {
    if (merged.has(operation)) return;
    const taskId = taskIdOf(operation);
    if (taskId !== null && inserts.has(taskId)) inserts.flush();
    if (operation.op !== 'submit') {
      outcomes[index] = applyOne(operation, tables);
    } else if (inserts.takes(operation)) {
      const lease = leases.get(operation) ?? null;
      if (lease !== null) merged.add(lease.operation);
      inserts.add(tasks.nextSeq(), operation, lease?.operation ?? null, () => {
        outcomes[index] = tasks.conflict(operation.spec.taskId);
        if (lease !== null) outcomes[lease.index] = tasks.lease(lease.operation);
      });
    } else {
      outcomes[index] = tasks.submit(operation);
    }
  });
  inserts.flush();
  return outcomes;
}

function applyOne(operation: Exclude<StoreOp, Submit>, { tasks, records }: Tables): StoreOutcome {
  switch (operation.op) {
    case 'lease':
      return tasks.lease(operation);
    case 'extend':
      return tasks.extend(operation);
    case 'complete':
      return tasks.complete(operation);
    case 'fail':
      return tasks.fail(operation);
    case 'requeue':
      return tasks.requeue(operation);
    case 'cancel':
      return tasks.cancel(operation);
    case 'retry':
      return tasks.retry(operation);
    case 'release':
      return tasks.release(operation);
    case 'unmet':
      return tasks.unmet(operation);
    case 'put-ticket-key':
      records.putTicketKey(operation.ticketKey);
      return APPLIED;
    case 'drop-ticket-key':
      records.dropTicketKey(operation.keyId);
      return APPLIED;
    case 'put-session':
      records.putSession(operation.session);
      return APPLIED;
    case 'drop-session':
      records.dropSession(operation.agentId);
      return APPLIED;
    case 'append-experience':
      records.appendExperience(operation.experience);
      return APPLIED;
    case 'put-entry':
      records.putEntry(operation.entry);
      return APPLIED;
    case 'drop-entry':
      records.dropEntry(operation.collection, operation.key);
      return APPLIED;
  }
}

interface FirstLease {
  readonly operation: Lease;
  readonly index: number;
}

/**
 * For each submit the lease that follows it with nothing else about the task in between: such a task is written once
 * instead of twice.
 */
function firstLeases(operations: readonly StoreOp[]): ReadonlyMap<StoreOp, FirstLease> {
  const untouched = new Map<string, Submit>();
  const leases = new Map<StoreOp, FirstLease>();
  operations.forEach((operation, index) => {
    if (operation.op === 'submit') {
      const { taskId } = operation.spec;
      if (!untouched.delete(taskId)) untouched.set(taskId, operation);
      return;
    }
    if (untouched.size === 0) return;
    const taskId = taskIdOf(operation);
    const submit = taskId === null ? undefined : untouched.get(taskId);
    if (taskId === null || submit === undefined) return;
    untouched.delete(taskId);
    // A task begins with epoch 0, which its first lease has to exceed.
    if (operation.op === 'lease' && operation.lease.epoch > 0) leases.set(submit, { operation, index });
  });
  return leases;
}

/** Null for what is not about a task. */
function taskIdOf(operation: StoreOp): string | null {
  if (operation.op === 'submit') return operation.spec.taskId;
  if (operation.op === 'lease') return operation.lease.taskId;
  return 'taskId' in operation ? operation.taskId : null;
}
