import type { LeaseRecord } from '../records.js';
import type { StoreOp } from '../store.js';
import { oneRow, query, type Connection, type Statement } from './database.js';
import { historyLine } from './history-text.js';
import type { Totals } from './totals.js';

type Submit = Extract<StoreOp, { op: 'submit' }>;
type Lease = Extract<StoreOp, { op: 'lease' }>;

/** Rows of one statement. */
const ROWS = 16;

const COLUMNS = [
  'seq',
  'task_id',
  'kind',
  'priority',
  'timeout_ms',
  'max_attempts',
  'submitted_at',
  'history',
  'input',
] as const;
const LEASE_COLUMNS = [
  'epoch',
  'attempts',
  'agent_id',
  'leased_at',
  'coordinator_id',
  'deadline_at',
] as const;

interface Waiting {
  readonly seq: number;
  readonly state: 'queued' | 'leased';
  readonly row: readonly unknown[];
  readonly refused: () => void;
}

/**
 * New tasks of one batch that wait to be inserted together: one statement with many rows costs about a third less than
 * one for each. Only plain tasks, which most are: without key, affinity, delay, needs and trace.
 */
export class TaskInserts {
  readonly #totals: Totals;
  readonly #queued: readonly [one: Statement, many: Statement];
  readonly #leased: readonly [one: Statement, many: Statement];
  readonly #seqOf: Statement;
  /** A new one for each batch: one that is cleared would keep the rows of all before it (see TransientMap). */
  #waiting = new Map<string, Waiting>();

  constructor(connection: Connection, totals: Totals) {
    this.#totals = totals;
    const statement = (columns: readonly string[], fixed: string, rows: number): Statement => {
      const row = `(${columns.map(() => '?').join(', ')}, ${fixed})`;
      return connection.prepare(
        `INSERT INTO tasks (${columns.join(', ')}, ${columns.length === COLUMNS.length ? 'epoch, attempts, ' : ''}state, events)
         VALUES ${new Array<string>(rows).fill(row).join(', ')} ON CONFLICT (task_id) DO NOTHING`,
      );
    };
    const both = (columns: readonly string[], fixed: string) =>
      [statement(columns, fixed, 1), statement(columns, fixed, ROWS)] as const;
    this.#queued = both(COLUMNS, "0, 0, 'queued', 1");
    this.#leased = both([...COLUMNS, ...LEASE_COLUMNS], "'leased', 2");
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
    const row: unknown[] = [seq, taskId, kind, priority, timeoutMs, maxAttempts, submittedAt];
    if (lease === null) row.push(historyLine(submit), input);
    else row.push(`${historyLine(submit)}\n${historyLine(lease)}`, input, ...leaseValues(lease.lease));
    const state = lease === null ? 'queued' : 'leased';
    this.#waiting.set(taskId, { seq, state, row, refused });
    this.#totals.add(state, 1, 0);
  }

  /** Inserts what waits. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#insert(
      this.#queued,
      waiting.filter(({ state }) => state === 'queued'),
    );
    this.#insert(
      this.#leased,
      waiting.filter(({ state }) => state === 'leased'),
    );
  }

  /** After the transaction was rolled back. */
  clear(): void {
    this.#waiting = new Map();
  }

  #insert([one, many]: readonly [Statement, Statement], waiting: readonly Waiting[]): void {
    let next = 0;
    for (; next + ROWS <= waiting.length; next += ROWS) {
      const group = waiting.slice(next, next + ROWS);
      const { changes } = many.run(group.flatMap(({ row }) => row));
      if (changes < ROWS) this.#sortOut(group);
    }
    for (const single of waiting.slice(next)) {
      if (one.run(single.row).changes === 0) this.#refuse(single);
    }
  }

  /** Some of these were there before: the ones whose row is not the one that was inserted. */
  #sortOut(group: readonly Waiting[]): void {
    for (const waiting of group) {
      if (oneRow(this.#seqOf, [waiting.row[1]])?.[0] !== waiting.seq) this.#refuse(waiting);
    }
  }

  #refuse({ state, refused }: Waiting): void {
    this.#totals.add(state, -1, 0);
    refused();
  }
}

const leaseValues = (lease: LeaseRecord): unknown[] => [
  lease.epoch,
  lease.attempt,
  lease.agentId,
  lease.leasedAt,
  lease.coordinatorId,
  lease.deadlineAt,
];
