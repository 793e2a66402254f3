import type { Nonce } from '../store.js';
import { numberOf, oneRow, query, type Connection, type Statement } from './database.js';

/**
 * An expired nonce is kept for this long when there is room: clocks have been set back before, and then it would be
 * taken as new.
 */
const KEPT_AFTER_MS = 3_600_000;

/** Single-use values that were used. */
export class NonceTable {
  readonly #connection: Connection;
  readonly #insert: Statement;
  readonly #dropExpired: Statement;
  readonly #first: Statement;
  #size = 0;

  constructor(
    connection: Connection,
    readonly limit: number,
  ) {
    this.#connection = connection;
    this.#insert = connection.prepare(
      'INSERT INTO nonces (value, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#dropExpired = connection.prepare(
      `DELETE FROM nonces WHERE value IN (SELECT value FROM nonces WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
    );
    this.#first = query(connection, 'SELECT expires_at FROM nonces ORDER BY expires_at LIMIT 1');
    this.reload();
  }

  /** True the first time. False as well when it has expired, or when there is no room. */
  consume({ value, expiresAt }: Nonce, now: number): boolean {
    if (expiresAt <= now) return false;
    if (this.#size >= this.limit) this.#drop(now, ROOM);
    if (this.#size >= this.limit) return false;
    if (this.#insert.run([value, expiresAt]).changes !== 1) return false;
    this.#size++;
    return true;
  }

  /** Whether `forgetExpired` would delete any. */
  isDue(now: number): boolean {
    const first = oneRow(this.#first, [])?.[0];
    return typeof first === 'number' && first <= now - KEPT_AFTER_MS;
  }

  /** Deletes up to `limit` that expired a while ago. Returns how many. */
  forgetExpired(now: number, limit: number): number {
    return this.#drop(now - KEPT_AFTER_MS, limit);
  }

  /** After the transaction was rolled back. */
  reload(): void {
    this.#size = numberOf(this.#connection, 'SELECT count(*) FROM nonces');
  }

  #drop(expiredAt: number, limit: number): number {
    const dropped = this.#dropExpired.run([expiredAt, limit]).changes;
    this.#size -= dropped;
    return dropped;
  }
}

/** Nonces deleted at once when there is no room. */
const ROOM = 1_000;
