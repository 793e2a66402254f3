import type { RetentionRule } from '../store.js';
import { allRows, oneRow, query, type Connection, type Statement } from './database.js';
import type { Totals } from './totals.js';

/** Tasks deleted in one step: a few milliseconds. */
const STEP = 500;

/** Deletes finished tasks, the earliest finished first. */
export class Pruner {
  readonly #totals: Totals;
  readonly #oldest: Statement;
  readonly #earliest: Statement;
  readonly #delete: Statement;

  constructor(connection: Connection, totals: Totals) {
    this.#totals = totals;
    this.#oldest = query(
      connection,
      'SELECT finished_at FROM tasks WHERE finished_at IS NOT NULL ORDER BY finished_at LIMIT 1',
    );
    this.#earliest = query(
      connection,
      `SELECT finished_at, seq, state,
         coalesce(length(input), 0) + coalesce(length(result), 0) + coalesce(octet_length(error), 0)
       FROM tasks WHERE finished_at IS NOT NULL ORDER BY finished_at, seq LIMIT ${STEP}`,
    );
    this.#delete = connection.prepare(
      'DELETE FROM tasks WHERE finished_at IS NOT NULL AND (finished_at, seq) <= (?, ?)',
    );
  }

  /** Whether a step would delete anything. Reads no more than one entry of an index. */
  isDue(rule: RetentionRule, now: number): boolean {
    const { tasks, bytes } = this.#totals.finished();
    if (tasks === 0) return false;
    if (rule.tasks !== null && tasks > rule.tasks) return true;
    if (rule.bytes !== null && bytes > rule.bytes) return true;
    return rule.ageMs !== null && now - Number(oneRow(this.#oldest, [])?.[0] ?? now) > rule.ageMs;
  }

  /** Deletes at most STEP tasks, and none that the rule allows to stay. Returns how many. */
  step(rule: RetentionRule, now: number): number {
    const left = { ...this.#totals.finished() };
    let last: readonly unknown[] | null = null;
    let deleted = 0;
    for (const row of allRows(this.#earliest, [])) {
      const [finishedAt, , state, bytes] = row;
      const tooMany = rule.tasks !== null && left.tasks > rule.tasks;
      const tooLarge = rule.bytes !== null && left.bytes > rule.bytes;
      const tooOld = rule.ageMs !== null && now - Number(finishedAt) > rule.ageMs;
      if (!tooMany && !tooLarge && !tooOld) break;
      left.tasks--;
      left.bytes -= Number(bytes);
      this.#totals.add(String(state), -1, -Number(bytes));
      last = row;
      deleted++;
    }
    if (last !== null) this.#delete.run([last[0], last[1]]);
    return deleted;
  }
}
