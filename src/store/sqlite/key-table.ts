import type { TaskSpec } from '../records.js';
import { allRows, oneRow, query, type Connection, type Statement } from './database.js';

/** An expired key of an unfinished task is looked at again after this. */
const LOOK_AGAIN_MS = 3_600_000;

/** Which task has an idempotency key, also when the task itself is no longer kept. */
export class KeyTable {
  readonly #find: Statement;
  readonly #isUnfinished: Statement;
  readonly #put: Statement;
  readonly #due: Statement;
  readonly #delay: Statement;
  readonly #drop: Statement;

  constructor(connection: Connection) {
    this.#find = query(connection, 'SELECT task_id, held_until FROM idempotency_keys WHERE key = ?');
    this.#isUnfinished = query(connection, 'SELECT 1 FROM tasks WHERE task_id = ? AND finished_at IS NULL');
    this.#put = connection.prepare(
      'REPLACE INTO idempotency_keys (key, task_id, held_until, look_at) VALUES (?, ?, ?, ?)',
    );
    this.#due = query(
      connection,
      'SELECT key, task_id, held_until FROM idempotency_keys WHERE look_at <= ? ORDER BY look_at LIMIT ?',
    );
    this.#delay = connection.prepare('UPDATE idempotency_keys SET look_at = ? WHERE key = ?');
    this.#drop = connection.prepare('DELETE FROM idempotency_keys WHERE key = ?');
  }

  /** The task that took a key last, whether it still holds it or not. */
  lastHolder(key: string): string | null {
    const row = oneRow(this.#find, [key]);
    return row === null ? null : String(row[0]);
  }

  /** The task that holds a key at a time. */
  holder(key: string, at: number): string | null {
    const row = oneRow(this.#find, [key]);
    if (row === null) return null;
    const taskId = String(row[0]);
    return this.#holds(taskId, Number(row[1]), at) ? taskId : null;
  }

  take({ idempotencyKey, keyHeldUntil, taskId }: TaskSpec): void {
    if (idempotencyKey === null) return;
    this.put(idempotencyKey, taskId, keyHeldUntil ?? 0);
  }

  put(key: string, taskId: string, heldUntil: number): void {
    this.#put.run([key, taskId, heldUntil, heldUntil]);
  }

  /** Whether there is a key to look at. */
  isDue(now: number): boolean {
    return allRows(this.#due, [now, 1]).length > 0;
  }

  /** Deletes up to `limit` keys that nobody holds any more. Returns how many it looked at. */
  forgetExpired(now: number, limit: number): number {
    const due = allRows(this.#due, [now, limit]);
    for (const [key, taskId, heldUntil] of due) {
      if (this.#holds(String(taskId), Number(heldUntil), now)) this.#delay.run([now + LOOK_AGAIN_MS, key]);
      else this.#drop.run([key]);
    }
    return due.length;
  }

  #holds(taskId: string, heldUntil: number, at: number): boolean {
    return heldUntil > at || oneRow(this.#isUnfinished, [taskId]) !== null;
  }
}
