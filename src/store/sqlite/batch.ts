import type { StoreOp, StoreOutcome } from '../store.js';
import { beginningsOf, cutBeginning, taskIdOf, type Beginning } from './beginnings.js';
import type { RecordTables } from './record-tables.js';
import type { TaskInserts } from './task-inserts.js';
import type { TaskTable } from './task-table.js';

const APPLIED: StoreOutcome = { status: 'applied' };

/** Where a batch of operations goes. */
export interface Tables {
  readonly tasks: TaskTable;
  readonly inserts: TaskInserts;
  readonly records: RecordTables;
}

/**
 * Carries out operations with the outcome that they have one after the other, in the transaction of the caller. What
 * begins a plain task is held back to be inserted with others, until something else concerns the same task, or depends on
 * how it stands because it has the same key.
 */
export function applyBatch(operations: readonly StoreOp[], tables: Tables): StoreOutcome[] {
  const { inserts, tasks } = tables;
  const parts = beginningsOf(operations);
  const outcomes = new Array<StoreOutcome>(operations.length).fill(APPLIED);
  /** There is a task of this id already. */
  const refuse = ({ submit, submitAt, lease, leaseAt, complete, completeAt }: Beginning): void => {
    outcomes[submitAt] = tasks.conflict(submit.spec.taskId);
    if (lease !== null) outcomes[leaseAt] = tasks.lease(lease);
    if (complete !== null) outcomes[completeAt] = tasks.complete(complete);
  };
  /** Before an operation that depends on how a task stands at that place of the batch. */
  const bringUpTo = (index: number, taskId: string | null): void => {
    const beginning = taskId === null ? undefined : inserts.get(taskId);
    if (taskId === null || beginning === undefined) return;
    cutBeginning(beginning, index, parts);
    inserts.insertOne(taskId, refuse);
  };
  operations.forEach((operation, index) => {
    const part = parts[index] ?? null;
    if (part === 'merged') return;
    bringUpTo(index, taskIdOf(operation));
    if (part === null && inserts.size > 0) bringUpTo(index, tasks.keyHolderOf(operation));
    if (part !== null) inserts.add(tasks.nextSeq(), part);
    else outcomes[index] = applyOne(operation, tables);
  });
  inserts.flush(refuse);
  return outcomes;
}

function applyOne(operation: StoreOp, { tasks, records }: Tables): StoreOutcome {
  switch (operation.op) {
    case 'submit':
      return tasks.submit(operation);
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
