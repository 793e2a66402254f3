import type { ErrorDetail } from '../../protocol/messages.js';
import { specWithMore } from '../records.js';
import type { StoreOp, StoreOutcome } from '../store.js';
import {
  entryValues,
  experienceValues,
  readCollection,
  readEntry,
  readExperience,
  readSession,
  readTicketKey,
  sessionValues,
  ticketKeyValues,
} from './record-columns.js';
import { needsText, readNeeds } from './needs-text.js';
import { packValues, refuse, ValueReader, type Value } from './values.js';

/** One batch of operations as one buffer, from the main thread to the worker. */
export function packOps(operations: readonly StoreOp[]): ArrayBuffer {
  const values: Value[] = [];
  for (const operation of operations) pushOp(values, operation);
  return packValues(values);
}

export function readOps(buffer: ArrayBuffer): StoreOp[] {
  const reader = ValueReader.ofBuffer(buffer);
  const operations: StoreOp[] = [];
  while (!reader.done) operations.push(readOp(reader));
  return operations;
}

function pushOp(values: Value[], operation: StoreOp): void {
  switch (operation.op) {
    case 'submit': {
      const { spec, input, notBefore } = operation;
      values.push('submit', spec.taskId, spec.kind, spec.priority, spec.timeoutMs, spec.maxAttempts);
      values.push(spec.idempotencyKey, spec.keyHeldUntil, spec.affinity, spec.submittedAt);
      values.push(needsText(spec.needs), spec.traceparent ?? null, notBefore, input);
      return;
    }
    case 'lease': {
      const { taskId, attempt, epoch, agentId, coordinatorId, leasedAt, deadlineAt } = operation.lease;
      values.push('lease', taskId, attempt, epoch, agentId, coordinatorId, leasedAt, deadlineAt);
      return;
    }
    case 'extend':
      values.push('extend', operation.taskId, operation.epoch, operation.deadlineAt);
      return;
    case 'complete': {
      const { taskId, epoch, finishedAt, runMs, result } = operation;
      values.push('complete', taskId, epoch, finishedAt, runMs, result);
      return;
    }
    case 'fail': {
      const { taskId, epoch, state, finishedAt, runMs, error } = operation;
      values.push('fail', taskId, epoch, state, finishedAt, runMs, ...errorValues(error));
      return;
    }
    case 'requeue': {
      const { taskId, epoch, at, why, notBefore, error } = operation;
      values.push('requeue', taskId, epoch, at, why, notBefore, ...errorValues(error));
      return;
    }
    case 'cancel':
      values.push('cancel', operation.taskId, operation.epoch, operation.finishedAt);
      return;
    case 'retry':
      values.push('retry', operation.taskId, operation.epoch, operation.at);
      return;
    case 'release': {
      const { taskId, epoch, at, notBefore, input } = operation;
      values.push('release', taskId, epoch, at, notBefore, input);
      return;
    }
    case 'unmet': {
      const { taskId, epoch, state, finishedAt, error } = operation;
      values.push('unmet', taskId, epoch, state, finishedAt, ...errorValues(error));
      return;
    }
    case 'put-ticket-key':
      values.push('put-ticket-key', ...ticketKeyValues(operation.ticketKey));
      return;
    case 'drop-ticket-key':
      values.push('drop-ticket-key', operation.keyId);
      return;
    case 'put-session':
      values.push('put-session', ...sessionValues(operation.session));
      return;
    case 'drop-session':
      values.push('drop-session', operation.agentId);
      return;
    case 'append-experience':
      values.push('append-experience', ...experienceValues(operation.experience));
      return;
    case 'put-entry':
      values.push('put-entry', ...entryValues(operation.entry));
      return;
    case 'drop-entry':
      values.push('drop-entry', operation.collection, operation.key);
      return;
  }
}

/** Fields are read in the order in which they stand here, which is the order in which `pushOp` writes them. */
function readOp(from: ValueReader): StoreOp {
  const op = from.text();
  switch (op) {
    case 'submit': {
      const spec = {
        taskId: from.text(),
        kind: from.text(),
        priority: from.number(),
        timeoutMs: from.number(),
        maxAttempts: from.number(),
        idempotencyKey: from.textOrNull(),
        keyHeldUntil: from.numberOrNull(),
        affinity: from.textOrNull(),
        submittedAt: from.number(),
      };
      return {
        op,
        spec: specWithMore(spec, readNeeds(from.textOrNull()), from.textOrNull() ?? undefined),
        notBefore: from.numberOrNull(),
        input: from.bytes(),
      };
    }
    case 'lease': {
      const lease = {
        taskId: from.text(),
        attempt: from.number(),
        epoch: from.number(),
        agentId: from.text(),
        coordinatorId: from.text(),
        leasedAt: from.number(),
        deadlineAt: from.number(),
      };
      return { op, lease };
    }
    case 'extend':
      return { op, taskId: from.text(), epoch: from.number(), deadlineAt: from.number() };
    case 'complete': {
      const end = { taskId: from.text(), epoch: from.number(), finishedAt: from.number() };
      return { op, ...end, runMs: from.number(), result: from.bytes() };
    }
    case 'fail':
      return {
        op,
        taskId: from.text(),
        epoch: from.number(),
        state: from.text() === 'dead' ? 'dead' : 'failed',
        finishedAt: from.number(),
        runMs: from.numberOrNull(),
        error: readError(from),
      };
    case 'requeue':
      return {
        op,
        taskId: from.text(),
        epoch: from.number(),
        at: from.number(),
        why: readCause(from.text()),
        notBefore: from.numberOrNull(),
        error: readError(from),
      };
    case 'cancel':
      return { op, taskId: from.text(), epoch: from.number(), finishedAt: from.number() };
    case 'retry':
      return { op, taskId: from.text(), epoch: from.number(), at: from.number() };
    case 'release': {
      const release = { taskId: from.text(), epoch: from.number(), at: from.number() };
      return { op, ...release, notBefore: from.numberOrNull(), input: from.bytesOrNull() };
    }
    case 'unmet':
      return {
        op,
        taskId: from.text(),
        epoch: from.number(),
        state: from.text() === 'failed' ? 'failed' : 'cancelled',
        finishedAt: from.number(),
        error: readError(from),
      };
    case 'put-ticket-key':
      return { op, ticketKey: readTicketKey(from) };
    case 'drop-ticket-key':
      return { op, keyId: from.text() };
    case 'put-session':
      return { op, session: readSession(from) };
    case 'drop-session':
      return { op, agentId: from.text() };
    case 'append-experience':
      return { op, experience: readExperience(from) };
    case 'put-entry':
      return { op, entry: readEntry(from) };
    case 'drop-entry':
      return { op, collection: readCollection(from), key: from.text() };
    default:
      return refuse('an operation', op);
  }
}

const errorValues = (error: ErrorDetail): Value[] => [error.name, error.message, error.retryable ? 1 : 0];

const readError = (from: ValueReader): ErrorDetail => ({
  name: from.text(),
  message: from.text(),
  retryable: from.number() === 1,
});

function readCause(why: string): 'fail' | 'timeout' | 'lost' {
  return why === 'fail' || why === 'timeout' || why === 'lost' ? why : refuse('a cause', why);
}

const APPLIED: StoreOutcome = { status: 'applied' };

/** The outcomes of a batch as JSON text; null when all were applied. */
export function packOutcomes(outcomes: readonly StoreOutcome[]): string | null {
  const values: Value[] = [];
  outcomes.forEach((outcome, index) => {
    if (outcome.status === 'duplicate') values.push(index, outcome.taskId, null);
    if (outcome.status === 'conflict') values.push(index, null, outcome.epoch);
  });
  return values.length === 0 ? null : JSON.stringify(values);
}

export function readOutcomes(packed: string | null, count: number): StoreOutcome[] {
  const outcomes = new Array<StoreOutcome>(count).fill(APPLIED);
  if (packed === null) return outcomes;
  const reader = ValueReader.ofText(packed);
  while (!reader.done) {
    const index = reader.number();
    const taskId = reader.textOrNull();
    const epoch = reader.numberOrNull();
    outcomes[index] = taskId === null ? { status: 'conflict', epoch } : { status: 'duplicate', taskId };
  }
  return outcomes;
}
