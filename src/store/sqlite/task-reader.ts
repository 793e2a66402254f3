import { STATES_WITH_ERROR } from './schema.js';
import { oneRow, query, type Connection, type Row, type Statement } from './database.js';
import { LISTED_COLUMNS, RECOVERED_COLUMNS, STORED_COLUMNS } from './task-columns.js';
import type { TaskFilter } from '../store.js';

/** Sorts after every task id. */
const AFTER_ALL = '\u{10ffff}';
/** Tasks in one chunk of a recovery. */
const CHUNK = 2048;

/**
 * Reads of tasks. Rows of which there may be many are made into JSON by SQLite: one text for some thousands of rows
 * costs half of what the rows would cost as arrays, and crosses to the main thread as it is.
 */
export class TaskReader {
  readonly #connection: Connection;
  readonly #chunk: Statement;
  readonly #get: Statement;
  readonly #input: Statement;
  readonly #state: Statement;
  readonly #result: Statement;

  constructor(
    connection: Connection,
    /** Rows that one step of a list looks at. */
    readonly stepRows: number,
  ) {
    this.#connection = connection;
    this.#chunk = query(
      connection,
      `SELECT json_group_array(json_array(${RECOVERED_COLUMNS})) FROM
         (SELECT * FROM tasks WHERE finished_at IS NULL AND seq > ? ORDER BY seq LIMIT ${CHUNK})`,
    );
    this.#get = query(connection, `SELECT ${STORED_COLUMNS} FROM tasks WHERE task_id = ?`);
    this.#input = query(connection, 'SELECT input FROM tasks WHERE task_id = ? AND finished_at IS NULL');
    this.#state = query(connection, 'SELECT state FROM tasks WHERE task_id = ?');
    this.#result = query(connection, 'SELECT result FROM tasks WHERE task_id = ?');
  }

  /** The next unfinished tasks after a place in the order of submission, as a JSON array of rows; empty at the end. */
  unfinished(afterSeq: number): string {
    return String(oneRow(this.#chunk, [afterSeq])?.[0]);
  }

  get(taskId: string): Row | null {
    return oneRow(this.#get, [taskId]);
  }

  input(taskId: string): unknown {
    return oneRow(this.#input, [taskId])?.[0] ?? null;
  }

  state(taskId: string): unknown {
    return oneRow(this.#state, [taskId])?.[0] ?? null;
  }

  /** Completed tasks alone have one. */
  result(taskId: string): unknown {
    return oneRow(this.#result, [taskId])?.[0] ?? null;
  }

  /** Newest id first, as a JSON array of rows. In steps that look at a bounded number of rows, however few match. */
  *list(filter: TaskFilter): Generator<undefined, string> {
    const { state, kind, limit } = filter;
    const failed = state !== undefined && STATES_WITH_ERROR.includes(state);
    const from = failed
      ? 'FROM tasks INDEXED BY tasks_with_error WHERE error IS NOT NULL'
      : 'FROM tasks WHERE 1';
    const conditions = [
      ...(state === undefined ? [] : ['AND state = ?']),
      ...(kind === undefined ? [] : ['AND kind = ?']),
    ].join(' ');
    const wanted = [state, kind].filter((value) => value !== undefined);
    const boundary = query(
      this.#connection,
      `SELECT task_id ${from} AND task_id < ? ORDER BY task_id DESC LIMIT 1 OFFSET ${this.stepRows}`,
    );
    const rows = query(
      this.#connection,
      `SELECT group_concat(json_array(${LISTED_COLUMNS})), count(*) FROM
         (SELECT * ${from} AND task_id < ? AND task_id >= ? ${conditions} ORDER BY task_id DESC LIMIT ?)`,
    );
    const found: string[] = [];
    let left = limit;
    let before = filter.before ?? AFTER_ALL;
    while (left > 0) {
      const [start] = oneRow(boundary, [before]) ?? [];
      const until = typeof start === 'string' ? start : '';
      const [json, count] = oneRow(rows, [before, until, ...wanted, left]) ?? [];
      if (typeof json === 'string') found.push(json);
      left -= Number(count);
      if (until === '') break;
      before = until;
      yield;
    }
    return `[${found.join(',')}]`;
  }
}
