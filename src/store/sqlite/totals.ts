import { FINISHED_STATES } from '../../protocol/messages.js';
import { allRows, query, type Connection, type Statement } from './database.js';

interface Total {
  tasks: number;
  /** That finished tasks keep; 0 for unfinished ones. */
  bytes: number;
}

/**
 * How many tasks are in each state and what the finished ones weigh. Kept in memory and, by the transaction that
 * changes them, in the database: so counting and retention never have to read the tasks.
 */
export class Totals {
  readonly #write: Statement;
  readonly #read: Statement;
  readonly #totals = new Map<string, Total>();
  readonly #changed = new Set<string>();

  constructor(connection: Connection) {
    this.#read = query(connection, 'SELECT state, tasks, bytes FROM totals');
    this.#write = connection.prepare('REPLACE INTO totals (state, tasks, bytes) VALUES (?, ?, ?)');
    this.reload();
  }

  add(state: string, tasks: number, bytes: number): void {
    const total = this.#of(state);
    total.tasks += tasks;
    total.bytes += bytes;
    this.#changed.add(state);
  }

  /** Before the transaction commits. */
  save(): void {
    for (const state of this.#changed) {
      const { tasks, bytes } = this.#of(state);
      this.#write.run([state, tasks, bytes]);
    }
    this.#changed.clear();
  }

  /** After the transaction was rolled back. */
  reload(): void {
    this.#totals.clear();
    this.#changed.clear();
    for (const [state, tasks, bytes] of allRows(this.#read, [])) {
      this.#totals.set(String(state), { tasks: Number(tasks), bytes: Number(bytes) });
    }
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [state, { tasks }] of this.#totals) counts[state] = tasks;
    return counts;
  }

  /** Of all finished tasks. */
  finished(): Readonly<Total> {
    const all = { tasks: 0, bytes: 0 };
    for (const state of FINISHED_STATES) {
      const { tasks, bytes } = this.#of(state);
      all.tasks += tasks;
      all.bytes += bytes;
    }
    return all;
  }

  #of(state: string): Total {
    let total = this.#totals.get(state);
    if (total === undefined) this.#totals.set(state, (total = { tasks: 0, bytes: 0 }));
    return total;
  }
}
