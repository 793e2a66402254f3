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
import { OpReader, OpWriter } from './op-buffer.js';
import { refuse, ValueReader, type Value, type ValueSource } from './values.js';

/** One batch of operations as one buffer, from the main thread to the worker. */
export function packOps(operations: readonly StoreOp[]): ArrayBuffer {
  const writer = new OpWriter();
  for (const operation of operations) writeOp(writer, operation);
  return writer.finish();
}

export function readOps(buffer: ArrayBuffer): StoreOp[] {
  const reader = new OpReader(buffer);
  const operations: StoreOp[] = [];
  while (!reader.done) operations.push(readOp(reader));
  return operations;
}

function writeOp(to: OpWriter, operation: StoreOp): void {
  to.text(operation.op);
  switch (operation.op) {
    case 'submit': {
      const { spec, input, notBefore } = operation;
      to.text(spec.taskId);
      to.text(spec.kind);
      to.number(spec.priority);
      to.number(spec.timeoutMs);
      to.number(spec.maxAttempts);
      to.text(spec.idempotencyKey);
      to.number(spec.keyHeldUntil);
      to.text(spec.affinity);
      to.number(spec.submittedAt);
      to.text(needsText(spec.needs));
      to.text(spec.traceparent ?? null);
      to.number(notBefore);
      to.bytes(input);
      return;
    }
    case 'lease': {
      const { lease } = operation;
      to.text(lease.taskId);
      to.number(lease.attempt);
      to.number(lease.epoch);
      to.text(lease.agentId);
      to.text(lease.coordinatorId);
      to.number(lease.leasedAt);
      to.number(lease.deadlineAt);
      return;
    }
    case 'extend':
      to.text(operation.taskId);
      to.number(operation.epoch);
      to.number(operation.deadlineAt);
      return;
    case 'complete':
      to.text(operation.taskId);
      to.number(operation.epoch);
      to.number(operation.finishedAt);
      to.number(operation.runMs);
      to.bytes(operation.result);
      return;
    case 'fail': {
      const { taskId, epoch, state, finishedAt, runMs, error } = operation;
      to.values([taskId, epoch, state, finishedAt, runMs, ...errorValues(error)]);
      return;
    }
    case 'requeue': {
      const { taskId, epoch, at, why, notBefore, error } = operation;
      to.values([taskId, epoch, at, why, notBefore, ...errorValues(error)]);
      return;
    }
    case 'cancel':
      to.values([operation.taskId, operation.epoch, operation.finishedAt]);
      return;
    case 'retry':
      to.values([operation.taskId, operation.epoch, operation.at]);
      return;
    case 'release':
      to.values([operation.taskId, operation.epoch, operation.at, operation.notBefore, operation.input]);
      return;
    case 'unmet': {
      const { taskId, epoch, state, finishedAt, error } = operation;
      to.values([taskId, epoch, state, finishedAt, ...errorValues(error)]);
      return;
    }
    case 'put-ticket-key':
      to.values(ticketKeyValues(operation.ticketKey));
      return;
    case 'drop-ticket-key':
      to.text(operation.keyId);
      return;
    case 'put-session':
      to.values(sessionValues(operation.session));
      return;
    case 'drop-session':
      to.text(operation.agentId);
      return;
    case 'append-experience':
      to.values(experienceValues(operation.experience));
      return;
    case 'put-entry':
      to.values(entryValues(operation.entry));
      return;
    case 'drop-entry':
      to.values([operation.collection, operation.key]);
      return;
  }
}

/** Fields are read in the order in which they stand here, which is the order in which `writeOp` writes them. */
function readOp(from: OpReader): StoreOp {
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

const readError = (from: ValueSource): ErrorDetail => ({
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
