import type { ErrorDetail } from '../../protocol/messages.js';
import {
  specWithMore,
  type HistoryEntry,
  type LeaseRecord,
  type ListedTask,
  type RecoveredTask,
  type StoredTask,
  type TaskSpec,
} from '../records.js';
import { TASK_HISTORY_EVENTS } from '../../protocol/messages.js';
import { readNeeds } from './needs-text.js';
import { refuse, type ValueReader } from './values.js';

/** A number exactly: SQLite's JSON would round fractions to 15 digits. */
const exactly = (column: string) =>
  `CASE typeof(${column}) WHEN 'real' THEN printf('%!.17g', ${column}) ELSE ${column} END`;

/** Columns of the task without its bytes and its story, in the order in which `readTask` reads them. */
const COMMON = [
  'task_id',
  'kind',
  'priority',
  exactly('timeout_ms'),
  'max_attempts',
  'idempotency_key',
  exactly('key_held_until'),
  'affinity',
  exactly('submitted_at'),
  'epoch',
  'attempts',
  'agent_id',
  exactly('leased_at'),
  'coordinator_id',
  exactly('deadline_at'),
  exactly('not_before'),
  exactly('finished_at'),
  exactly('run_ms'),
  'error',
  'state',
  'needs',
  'traceparent',
].join(', ');

/** For `readListed`. */
export const LISTED_COLUMNS = COMMON;
/** For `readRecovered`. */
export const RECOVERED_COLUMNS = `seq, coalesce(length(input), 0), ${COMMON}`;
/** For `readStored`. */
export const STORED_COLUMNS = `history, input, result, ${COMMON}`;

interface TaskColumns extends Omit<ListedTask, 'current'> {
  readonly state: string;
  readonly coordinatorId: string | null;
  readonly deadlineAt: number | null;
  readonly notBefore: number | null;
  readonly finishedAt: number | null;
  readonly runMs: number | null;
  readonly error: string | null;
}

export function readListed(row: ValueReader): ListedTask {
  const columns = readColumns(row);
  return { ...base(columns), current: unfinishedOf(columns) ?? endedOf(columns) ?? completedOf(columns) };
}

/** `seq` is the place of the task in the order of submission. */
export function readRecovered(row: ValueReader): { readonly seq: number; readonly task: RecoveredTask } {
  const seq = row.number();
  const inputBytes = row.number();
  const columns = readColumns(row);
  const current = unfinishedOf(columns) ?? refuse('an unfinished task', columns.state);
  const { spec, epoch, attempts, agentId, leasedAt } = columns;
  return { seq, task: { spec, epoch, attempts, agentId, leasedAt, current, inputBytes } };
}

export function readStored(row: ValueReader): StoredTask {
  const history = row.text();
  const input = row.ownBytesOrNull();
  const result = row.ownBytesOrNull();
  const columns = readColumns(row);
  const current = unfinishedOf(columns) ??
    endedOf(columns) ?? { ...completedOf(columns), result: result ?? refuse('a result', result) };
  return { ...base(columns), input, current, history: history.split('\n').map(readHistoryLine) };
}

function base({ spec, epoch, attempts, agentId, leasedAt }: TaskColumns): Omit<ListedTask, 'current'> {
  return { spec, epoch, attempts, agentId, leasedAt };
}

function readColumns(row: ValueReader): TaskColumns {
  const spec: TaskSpec = {
    taskId: row.text(),
    kind: shared(row.text()),
    priority: row.number(),
    timeoutMs: row.number(),
    maxAttempts: row.number(),
    idempotencyKey: row.textOrNull(),
    keyHeldUntil: row.numberOrNull(),
    affinity: row.textOrNull(),
    submittedAt: row.number(),
  };
  const columns = {
    epoch: row.number(),
    attempts: row.number(),
    agentId: sharedOrNull(row.textOrNull()),
    leasedAt: row.numberOrNull(),
    coordinatorId: sharedOrNull(row.textOrNull()),
    deadlineAt: row.numberOrNull(),
    notBefore: row.numberOrNull(),
    finishedAt: row.numberOrNull(),
    runMs: row.numberOrNull(),
    error: row.textOrNull(),
    state: row.text(),
  };
  return { spec: specWithMore(spec, readNeeds(row.textOrNull()), row.textOrNull() ?? undefined), ...columns };
}

function unfinishedOf(columns: TaskColumns): RecoveredTask['current'] | null {
  switch (columns.state) {
    case 'queued':
      return { state: 'queued' };
    case 'delayed':
      return { state: 'delayed', notBefore: columns.notBefore ?? refuse('a time', null) };
    case 'blocked':
      return { state: 'blocked', delayedUntil: columns.notBefore };
    case 'leased':
      return { state: 'leased', lease: leaseOf(columns) };
    case 'retrying': {
      const { notBefore, error } = columns;
      return {
        state: 'retrying',
        notBefore: notBefore ?? refuse('a time', null),
        error: readError(error),
      };
    }
    default:
      return null;
  }
}

function endedOf(
  columns: TaskColumns,
): Extract<ListedTask['current'], { state: 'failed' | 'dead' | 'cancelled' }> | null {
  const { state, runMs } = columns;
  const finishedAt = columns.finishedAt ?? refuse('a time', null);
  switch (state) {
    case 'failed':
    case 'dead':
      return { state, finishedAt, runMs, error: readError(columns.error) };
    case 'cancelled':
      return { state, finishedAt };
    default:
      return null;
  }
}

function completedOf({
  state,
  finishedAt,
  runMs,
}: TaskColumns): Extract<ListedTask['current'], { state: 'completed' }> {
  if (state !== 'completed' || finishedAt === null || runMs === null)
    return refuse('a completed task', state);
  return { state, finishedAt, runMs };
}

function leaseOf(columns: TaskColumns): LeaseRecord {
  const { spec, epoch, attempts, agentId, coordinatorId, leasedAt, deadlineAt } = columns;
  if (agentId === null || coordinatorId === null || leasedAt === null || deadlineAt === null) {
    return refuse('a lease', null);
  }
  return { taskId: spec.taskId, attempt: attempts, epoch, agentId, coordinatorId, leasedAt, deadlineAt };
}

function readError(json: string | null): ErrorDetail {
  const error: unknown = json === null ? null : JSON.parse(json);
  if (typeof error !== 'object' || error === null) return refuse('an error', error);
  const { name, message, retryable } = error as Partial<Record<keyof ErrorDetail, unknown>>;
  if (typeof name !== 'string' || typeof message !== 'string' || typeof retryable !== 'boolean') {
    return refuse('an error', error);
  }
  return { name, message, retryable };
}

function readHistoryLine(json: string): HistoryEntry {
  const entry: unknown = JSON.parse(json);
  if (typeof entry !== 'object' || entry === null) return refuse('an event', entry);
  const { event, at, attempt, agentId, detail } = entry as Partial<Record<keyof HistoryEntry, unknown>>;
  const known = TASK_HISTORY_EVENTS.find((name) => name === event);
  if (known === undefined || typeof at !== 'number') return refuse('an event', entry);
  return {
    event: known,
    at,
    ...(typeof attempt === 'number' && { attempt }),
    ...(typeof agentId === 'string' && { agentId }),
    ...(typeof detail === 'string' && { detail }),
  };
}

/** Names that many tasks have in common, once in memory instead of once for each task. */
const NAMES = new Map<string, string>();
const MAX_NAMES = 4096;

function shared(name: string): string {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  if (NAMES.size >= MAX_NAMES) NAMES.clear();
  NAMES.set(name, name);
  return name;
}

const sharedOrNull = (name: string | null): string | null => (name === null ? null : shared(name));
