import type { StoreOp } from '../store.js';
import { oneRow, query, type Connection, type Statement } from './database.js';
import { historyLine } from './history-text.js';
import type { Totals } from './totals.js';

type Submit = Extract<StoreOp, { op: 'submit' }>;
type Lease = Extract<StoreOp, { op: 'lease' }>;

/** Rows of one statement. */
const ROWS = 16;

/** Of which the values differ from task to task. */
const OWN_COLUMNS = ['seq', 'task_id', 'submitted_at', 'history', 'input'];
/** Of which many tasks of a batch have the same values. */
const SHARED_COLUMNS = ['kind', 'priority', 'timeout_ms', 'max_attempts'];
const OWN_LEASE_COLUMNS = ['agent_id', 'leased_at', 'deadline_at'];
const SHARED_LEASE_COLUMNS = ['epoch', 'attempts', 'coordinator_id'];

interface Waiting {
  readonly seq: number;
  readonly taskId: string;
  readonly state: 'queued' | 'leased';
  readonly shared: readonly unknown[];
  readonly own: readonly unknown[];
  readonly refused: () => void;
}

/** For one row and for ROWS of them. Parameters: the shared values once, then the own values of each row. */
type Statements = readonly [one: Statement, many: Statement];

/**
 * New tasks of one batch that wait to be inserted together: one statement with many rows costs about a third less than
 * one for each, and a quarter less again when what they share is bound once. Only plain tasks, which most are: without
 * key, affinity, delay, needs and trace.
 */
export class TaskInserts {
  readonly #totals: Totals;
  readonly #queued: Statements;
  readonly #leased: Statements;
  readonly #seqOf: Statement;
  /** A new one for each batch: one that is cleared would keep the rows of all before it (see TransientMap). */
  #waiting = new Map<string, Waiting>();

  constructor(connection: Connection, totals: Totals) {
    this.#totals = totals;
    const both = (
      shared: readonly string[],
      own: readonly string[],
      fixed: Record<string, string>,
    ): Statements => {
      const prepare = (rows: number) => connection.prepare(insertOf(shared, own, fixed, rows));
      return [prepare(1), prepare(ROWS)];
    };
    const queued = { state: "'queued'", epoch: '0', attempts: '0', events: '1' };
    this.#queued = both(SHARED_COLUMNS, OWN_COLUMNS, queued);
    this.#leased = both(
      [...SHARED_COLUMNS, ...SHARED_LEASE_COLUMNS],
      [...OWN_COLUMNS, ...OWN_LEASE_COLUMNS],
      { state: "'leased'", events: '2' },
    );
    this.#seqOf = query(connection, 'SELECT seq FROM tasks WHERE task_id = ?');
  }

  /** Whether a task waits here: then `flush` comes before anything else is done with it. */
  has(taskId: string): boolean {
    return this.#waiting.has(taskId);
  }

  takes({ spec, notBefore }: Submit): boolean {
    if (spec.needs !== undefined || spec.traceparent !== undefined) return false;
    return spec.idempotencyKey === null && spec.affinity === null && notBefore === null;
  }

  /** `refused` is called by a later `flush` when there is a task of this id already. */
  add(seq: number, submit: Submit, lease: Lease | null, refused: () => void): void {
    const { spec, input } = submit;
    const { taskId, kind, priority, timeoutMs, maxAttempts, submittedAt } = spec;
    const line = historyLine(submit);
    const shared = [kind, priority, timeoutMs, maxAttempts];
    if (lease === null) {
      const own = [seq, taskId, submittedAt, line, input];
      this.#waiting.set(taskId, { seq, taskId, state: 'queued', shared, own, refused });
      this.#totals.add('queued', 1, 0);
      return;
    }
    const { epoch, attempt, coordinatorId, agentId, leasedAt, deadlineAt } = lease.lease;
    shared.push(epoch, attempt, coordinatorId);
    const history = `${line}\n${historyLine(lease)}`;
    const own = [seq, taskId, submittedAt, history, input, agentId, leasedAt, deadlineAt];
    this.#waiting.set(taskId, { seq, taskId, state: 'leased', shared, own, refused });
    this.#totals.add('leased', 1, 0);
  }

  /** Inserts what waits. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    const alike = new Map<string, Waiting[]>();
    for (const waiting of this.#waiting.values()) {
      const key = waiting.shared.join('\0');
      const group = alike.get(key);
      if (group === undefined) alike.set(key, [waiting]);
      else group.push(waiting);
    }
    this.#waiting = new Map();
    for (const group of alike.values()) this.#insert(group);
  }

  /** After the transaction was rolled back. */
  clear(): void {
    this.#waiting = new Map();
  }

  /** Of one state and with the same shared values, which have the state's number of them. */
  #insert(waiting: readonly Waiting[]): void {
    const [one, many] = waiting[0]?.state === 'leased' ? this.#leased : this.#queued;
    let next = 0;
    for (; next + ROWS <= waiting.length; next += ROWS) {
      const group = waiting.slice(next, next + ROWS);
      if (many.run(parametersOf(group)).changes < ROWS) this.#sortOut(group);
    }
    for (const single of waiting.slice(next)) {
      if (one.run(parametersOf([single])).changes === 0) this.#refuse(single);
    }
  }

  /** Some of these were there before: the ones whose row is not the one that was inserted. */
  #sortOut(group: readonly Waiting[]): void {
    for (const waiting of group) {
      if (oneRow(this.#seqOf, [waiting.taskId])?.[0] !== waiting.seq) this.#refuse(waiting);
    }
  }

  #refuse({ state, refused }: Waiting): void {
    this.#totals.add(state, -1, 0);
    refused();
  }
}

function parametersOf(group: readonly Waiting[]): unknown[] {
  const parameters = [...(group[0]?.shared ?? [])];
  for (const { own } of group) for (const value of own) parameters.push(value);
  return parameters;
}

function insertOf(
  shared: readonly string[],
  own: readonly string[],
  fixed: Readonly<Record<string, string>>,
  rows: number,
): string {
  const sharedPlaces = shared.map((_, index) => `?${index + 1}`);
  const row = (_: unknown, number: number) => {
    const ownPlaces = own.map((_, index) => `?${shared.length + number * own.length + index + 1}`);
    return `(${[...sharedPlaces, ...ownPlaces, ...Object.values(fixed)].join(', ')})`;
  };
  return `INSERT INTO tasks (${[...shared, ...own, ...Object.keys(fixed)].join(', ')})
    VALUES ${Array.from({ length: rows }, row).join(', ')} ON CONFLICT (task_id) DO NOTHING`;
}
