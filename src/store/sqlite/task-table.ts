import { isFinishedState } from '../../protocol/messages.js';
import { errorText } from '../kept-bytes.js';
import { HISTORY_LIMIT } from '../records.js';
import type { StoreOp, StoreOutcome } from '../store.js';
import { numberOf, oneRow, query, type Connection, type Statement } from './database.js';
import { historyLine, historyWithRoom } from './history-text.js';
import type { KeyTable } from './key-table.js';
import { needsText } from './needs-text.js';
import type { Totals } from './totals.js';

type Op<Name extends StoreOp['op']> = Extract<StoreOp, { op: Name }>;

const APPLIED: StoreOutcome = { status: 'applied' };

/** What a condition is decided by. */
interface Found {
  readonly state: string;
  readonly epoch: number;
  readonly events: number;
  /** Of input and error: what it weighs when it is finished but not completed. */
  readonly bytes: number;
}

const SPEC_COLUMNS =
  'seq, task_id, kind, priority, timeout_ms, max_attempts, idempotency_key, key_held_until, affinity, submitted_at, needs, traceparent';
const RECORD = 'history = history || char(10) || ?, events = events + 1';

/**
 * Changes of tasks, each conditional on the task's epoch and state. Runs in the transaction of the caller.
 *
 * The two that happen to every task, lease and complete, are one statement when things are as usual; the row is looked
 * at only when that statement changed nothing.
 */
export class TaskTable {
  readonly #totals: Totals;
  readonly #keys: KeyTable;
  readonly #insert: Statement;
  readonly #lease: Statement;
  readonly #complete: Statement;
  readonly #extend: Statement;
  readonly #fail: Statement;
  readonly #requeue: Statement;
  readonly #cancel: Statement;
  readonly #retry: Statement;
  readonly #release: Statement;
  readonly #unmet: Statement;
  readonly #find: Statement;
  readonly #keyOf: Statement;
  readonly #history: Statement;
  readonly #setHistory: Statement;
  #nextSeq: number;

  constructor(connection: Connection, totals: Totals, keys: KeyTable) {
    this.#totals = totals;
    this.#keys = keys;
    const prepare = (sql: string) => connection.prepare(sql);
    const places = (count: number) => new Array<string>(count).fill('?').join(', ');
    this.#insert = prepare(
      `INSERT INTO tasks (${SPEC_COLUMNS}, state, not_before, history, input, epoch, attempts, events)
       VALUES (${places(16)}, 0, 0, 1) ON CONFLICT (task_id) DO NOTHING`,
    );
    this.#lease = prepare(
      `UPDATE tasks SET state = 'leased', epoch = ?, attempts = ?, agent_id = ?, leased_at = ?, coordinator_id = ?,
         deadline_at = ?, not_before = NULL, error = NULL, ${RECORD}
       WHERE task_id = ? AND state = ? AND epoch < ? AND events < ${HISTORY_LIMIT}`,
    );
    this.#complete = prepare(
      `UPDATE tasks SET state = 'completed', finished_at = ?, run_ms = ?, result = ?, input = NULL,
         deadline_at = NULL, ${RECORD}
       WHERE task_id = ? AND epoch = ? AND state = 'leased' AND events < ${HISTORY_LIMIT}`,
    );
    this.#extend = prepare(
      `UPDATE tasks SET deadline_at = ? WHERE task_id = ? AND epoch = ? AND state = 'leased'`,
    );
    this.#fail = prepare(
      `UPDATE tasks SET state = ?, finished_at = ?, run_ms = ?, error = ?, deadline_at = NULL, ${RECORD}
       WHERE task_id = ?`,
    );
    this.#requeue = prepare(
      `UPDATE tasks SET state = ?, not_before = ?, error = ?, deadline_at = NULL, ${RECORD} WHERE task_id = ?`,
    );
    this.#cancel = prepare(
      `UPDATE tasks SET state = 'cancelled', finished_at = ?, not_before = NULL, error = NULL, deadline_at = NULL,
         ${RECORD} WHERE task_id = ?`,
    );
    this.#retry = prepare(
      `UPDATE tasks SET state = CASE WHEN needs IS NOT NULL AND needs ->> 'met' IS NULL THEN 'blocked' ELSE 'queued' END,
         attempts = 0, finished_at = NULL, run_ms = NULL, error = NULL, ${RECORD} WHERE task_id = ?`,
    );
    this.#release = prepare(
      `UPDATE tasks SET state = ?, not_before = ?, needs = json_set(needs, '$.met', json('true')),
         input = coalesce(?, input), ${RECORD} WHERE task_id = ?`,
    );
    this.#unmet = prepare(
      `UPDATE tasks SET state = ?, finished_at = ?, error = ?, not_before = NULL, ${RECORD} WHERE task_id = ?`,
    );
    this.#find = query(
      connection,
      `SELECT state, epoch, events, coalesce(length(input), 0) + coalesce(octet_length(error), 0)
       FROM tasks WHERE task_id = ?`,
    );
    this.#keyOf = query(
      connection,
      'SELECT idempotency_key, key_held_until, state FROM tasks WHERE task_id = ?',
    );
    this.#history = query(connection, 'SELECT history FROM tasks WHERE task_id = ?');
    this.#setHistory = prepare('UPDATE tasks SET history = ?, events = ? WHERE task_id = ?');
    this.#nextSeq = numberOf(connection, 'SELECT coalesce(max(seq), 0) + 1 FROM tasks');
  }

  /** The place of a new task in the order of submission. */
  nextSeq(): number {
    return this.#nextSeq++;
  }

  /**
   * The task on which an operation depends because it had the key last; it may be gone, and its id that of a new task.
   * Null: there is none.
   */
  keyHolderOf(operation: StoreOp): string | null {
    if (operation.op === 'submit') {
      const { idempotencyKey } = operation.spec;
      return idempotencyKey === null ? null : this.#keys.lastHolder(idempotencyKey);
    }
    if (operation.op !== 'retry') return null;
    const [key] = oneRow(this.#keyOf, [operation.taskId]) ?? [];
    return typeof key === 'string' ? this.#keys.lastHolder(key) : null;
  }

  submit(operation: Op<'submit'>): StoreOutcome {
    const { spec, input, notBefore } = operation;
    if (spec.idempotencyKey !== null) {
      const holder = this.#keys.holder(spec.idempotencyKey, spec.submittedAt);
      if (holder !== null) return { status: 'duplicate', taskId: holder };
    }
    const state = spec.needs !== undefined ? 'blocked' : notBefore === null ? 'queued' : 'delayed';
    // prettier-ignore
    const row = [
      this.nextSeq(), spec.taskId, spec.kind, spec.priority, spec.timeoutMs, spec.maxAttempts, spec.idempotencyKey,
      spec.keyHeldUntil, spec.affinity, spec.submittedAt, needsText(spec.needs), spec.traceparent ?? null, state, notBefore,
      historyLine(operation), input,
    ];
    if (!changes(this.#insert, row)) return this.conflict(spec.taskId);
    this.#keys.take(spec);
    this.#totals.add(state, 1, 0);
    return APPLIED;
  }

  /** What is said to an operation whose condition does not hold. */
  conflict(taskId: string): StoreOutcome {
    return conflict(this.#read(taskId));
  }

  lease(operation: Op<'lease'>): StoreOutcome {
    const { taskId, epoch, attempt, agentId, leasedAt, coordinatorId, deadlineAt } = operation.lease;
    const line = historyLine(operation);
    const from = (state: string): boolean => {
      const row = [epoch, attempt, agentId, leasedAt, coordinatorId, deadlineAt, line, taskId, state, epoch];
      if (!changes(this.#lease, row)) return false;
      this.#totals.add(state, -1, 0);
      this.#totals.add('leased', 1, 0);
      return true;
    };
    if (from('queued')) return APPLIED;
    const found = this.#read(taskId);
    if (found === null || isFinishedState(found.state) || found.epoch >= epoch) return conflict(found);
    this.#makeRoom(taskId, found);
    return from(found.state) ? APPLIED : conflict(found);
  }

  extend({ taskId, epoch, deadlineAt }: Op<'extend'>): StoreOutcome {
    return changes(this.#extend, [deadlineAt, taskId, epoch]) ? APPLIED : conflict(this.#read(taskId));
  }

  complete(operation: Op<'complete'>): StoreOutcome {
    const { taskId, epoch, finishedAt, runMs, result } = operation;
    const row = [finishedAt, runMs, result, historyLine(operation), taskId, epoch];
    if (!changes(this.#complete, row)) {
      const found = this.#read(taskId);
      if (!isLeased(found, epoch)) return conflict(found);
      this.#makeRoom(taskId, found);
      if (!changes(this.#complete, row)) return conflict(found);
    }
    this.#totals.add('leased', -1, 0);
    this.#totals.add('completed', 1, result.byteLength);
    return APPLIED;
  }

  fail(operation: Op<'fail'>): StoreOutcome {
    const { taskId, epoch, state, finishedAt, runMs } = operation;
    const found = this.#read(taskId);
    if (!isLeased(found, epoch)) return conflict(found);
    const error = errorText(operation.error);
    this.#move(operation, found, this.#fail, [state, finishedAt, runMs, error]);
    this.#totals.add(state, 1, found.bytes + Buffer.byteLength(error));
    return APPLIED;
  }

  requeue(operation: Op<'requeue'>): StoreOutcome {
    const { taskId, epoch, notBefore } = operation;
    const found = this.#read(taskId);
    if (!isLeased(found, epoch)) return conflict(found);
    const state = notBefore === null ? 'queued' : 'retrying';
    const error = notBefore === null ? null : errorText(operation.error);
    this.#move(operation, found, this.#requeue, [state, notBefore, error]);
    this.#totals.add(state, 1, 0);
    return APPLIED;
  }

  cancel(operation: Op<'cancel'>): StoreOutcome {
    const { taskId, epoch, finishedAt } = operation;
    const found = this.#read(taskId);
    if (found === null || isFinishedState(found.state) || found.epoch !== epoch) return conflict(found);
    this.#move(operation, found, this.#cancel, [finishedAt]);
    this.#totals.add('cancelled', 1, this.#read(taskId)?.bytes ?? 0);
    return APPLIED;
  }

  retry(operation: Op<'retry'>): StoreOutcome {
    const { taskId, epoch, at } = operation;
    const found = this.#read(taskId);
    if (found === null || !isRetryable(found.state) || found.epoch !== epoch) return conflict(found);
    this.#move(operation, found, this.#retry, []);
    const [key, heldUntil, state] = oneRow(this.#keyOf, [taskId]) ?? [];
    this.#totals.add(String(state), 1, 0);
    // Another task may have the key by now; then it keeps it.
    if (typeof key === 'string' && this.#keys.holder(key, at) === null) {
      this.#keys.put(key, taskId, Number(heldUntil));
    }
    return APPLIED;
  }

  release(operation: Op<'release'>): StoreOutcome {
    const { taskId, epoch, notBefore, input } = operation;
    const found = this.#read(taskId);
    if (!isBlocked(found, epoch)) return conflict(found);
    const state = notBefore === null ? 'queued' : 'delayed';
    this.#move(operation, found, this.#release, [state, notBefore, input]);
    this.#totals.add(state, 1, 0);
    return APPLIED;
  }

  unmet(operation: Op<'unmet'>): StoreOutcome {
    const { taskId, epoch, state, finishedAt } = operation;
    const found = this.#read(taskId);
    if (!isBlocked(found, epoch)) return conflict(found);
    const error = state === 'failed' ? errorText(operation.error) : null;
    this.#move(operation, found, this.#unmet, [state, finishedAt, error]);
    this.#totals.add(state, 1, this.#read(taskId)?.bytes ?? 0);
    return APPLIED;
  }

  /** Runs `statement` with `values`, the history line and the task id, and takes the task out of the total it was in. */
  #move(
    operation: Op<'fail' | 'requeue' | 'cancel' | 'retry' | 'release' | 'unmet'>,
    found: Found,
    statement: Statement,
    values: unknown[],
  ): void {
    this.#makeRoom(operation.taskId, found);
    statement.run([...values, historyLine(operation), operation.taskId]);
    this.#totals.add(found.state, -1, isFinishedState(found.state) ? -found.bytes : 0);
  }

  #read(taskId: string): Found | null {
    const row = oneRow(this.#find, [taskId]);
    if (row === null) return null;
    const [state, epoch, events, bytes] = row;
    return { state: String(state), epoch: Number(epoch), events: Number(events), bytes: Number(bytes) };
  }

  #makeRoom(taskId: string, { events }: Found): void {
    if (events < HISTORY_LIMIT) return;
    const [history] = oneRow(this.#history, [taskId]) ?? [];
    const shortened = historyWithRoom(String(history));
    this.#setHistory.run([shortened.history, shortened.events, taskId]);
  }
}

const changes = (statement: Statement, parameters: unknown[]): boolean =>
  statement.run(parameters).changes === 1;

const conflict = (found: Found | null): StoreOutcome => ({ status: 'conflict', epoch: found?.epoch ?? null });

const isLeased = (found: Found | null, epoch: number): found is Found =>
  found?.state === 'leased' && found.epoch === epoch;

const isBlocked = (found: Found | null, epoch: number): found is Found =>
  found?.state === 'blocked' && found.epoch === epoch;

const isRetryable = (state: string): boolean => isFinishedState(state) && state !== 'completed';
