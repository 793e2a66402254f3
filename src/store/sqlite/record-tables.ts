import type {
  Collection,
  EntryRecord,
  ExperienceRecord,
  SessionRecord,
  TicketKeyRecord,
} from '../records.js';
import type { EntryFilter, ExperienceFilter } from '../store.js';
import { allRows, numberOf, query, type Connection, type Row, type Statement } from './database.js';
import {
  ENTRY_COLUMNS,
  entryValues,
  EXPERIENCE_COLUMNS,
  experienceValues,
  SESSION_COLUMNS,
  sessionValues,
  TICKET_KEY_COLUMNS,
  ticketKeyValues,
} from './record-columns.js';

const insertInto = (table: string, columns: string) =>
  `INTO ${table} (${columns}) VALUES (${columns
    .split(',')
    .map(() => '?')
    .join(', ')})`;

/** What is kept beside tasks: sessions, ticket keys, experiences. */
export class RecordTables {
  readonly #connection: Connection;
  readonly #putSession: Statement;
  readonly #dropSession: Statement;
  readonly #putTicketKey: Statement;
  readonly #dropTicketKey: Statement;
  readonly #putExperience: Statement;
  readonly #dropExperiences: Statement;
  readonly #putEntry: Statement;
  readonly #dropEntry: Statement;
  #experiences = 0;

  constructor(
    connection: Connection,
    readonly experienceLimit: number,
  ) {
    this.#connection = connection;
    this.#putSession = connection.prepare(`REPLACE ${insertInto('sessions', SESSION_COLUMNS)}`);
    this.#dropSession = connection.prepare('DELETE FROM sessions WHERE agent_id = ?');
    this.#putTicketKey = connection.prepare(
      `INSERT ${insertInto('ticket_keys', TICKET_KEY_COLUMNS)} ON CONFLICT DO NOTHING`,
    );
    this.#dropTicketKey = connection.prepare('DELETE FROM ticket_keys WHERE key_id = ?');
    this.#putExperience = connection.prepare(
      `INSERT ${insertInto('experiences', EXPERIENCE_COLUMNS)} ON CONFLICT (experience_id) DO NOTHING`,
    );
    this.#dropExperiences = connection.prepare(
      'DELETE FROM experiences WHERE seq IN (SELECT seq FROM experiences ORDER BY seq LIMIT ?)',
    );
    this.#putEntry = connection.prepare(
      `INSERT ${insertInto('entries', ENTRY_COLUMNS)} ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value`,
    );
    this.#dropEntry = connection.prepare('DELETE FROM entries WHERE collection = ? AND key = ?');
    this.reload();
  }

  putSession(session: SessionRecord): void {
    this.#putSession.run(sessionValues(session));
  }

  dropSession(agentId: string): void {
    this.#dropSession.run([agentId]);
  }

  putTicketKey(ticketKey: TicketKeyRecord): void {
    this.#putTicketKey.run(ticketKeyValues(ticketKey));
  }

  dropTicketKey(keyId: string): void {
    this.#dropTicketKey.run([keyId]);
  }

  appendExperience(experience: ExperienceRecord): void {
    this.#experiences += this.#putExperience.run(experienceValues(experience)).changes;
    const tooMany = this.#experiences - this.experienceLimit;
    if (tooMany > 0) this.#experiences -= this.#dropExperiences.run([tooMany]).changes;
  }

  putEntry(entry: EntryRecord): void {
    this.#putEntry.run(entryValues(entry));
  }

  dropEntry(collection: Collection, key: string): void {
    this.#dropEntry.run([collection, key]);
  }

  sessions(): Row[] {
    return allRows(query(this.#connection, `SELECT ${SESSION_COLUMNS} FROM sessions ORDER BY agent_id`), []);
  }

  /** The newest first. */
  ticketKeys(): Row[] {
    const sql = `SELECT ${TICKET_KEY_COLUMNS} FROM ticket_keys ORDER BY created_at DESC, key_id`;
    return allRows(query(this.#connection, sql), []);
  }

  experiences({ agentId, taskId, limit }: ExperienceFilter): Row[] {
    const conditions = [
      ...(agentId === undefined ? [] : ['agent_id = ?']),
      ...(taskId === undefined ? [] : ['task_id = ?']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const sql = `SELECT ${EXPERIENCE_COLUMNS} FROM experiences ${where} ORDER BY seq DESC LIMIT ?`;
    const given = [agentId, taskId].filter((value) => value !== undefined);
    return allRows(query(this.#connection, sql), [...given, limit]);
  }

  entries({ collection, after, limit }: EntryFilter): Row[] {
    const sql = `SELECT ${ENTRY_COLUMNS} FROM entries WHERE collection = ? AND key > ? ORDER BY key LIMIT ?`;
    return allRows(query(this.#connection, sql), [collection, after ?? '', limit]);
  }

  /** After the transaction was rolled back. */
  reload(): void {
    this.#experiences = numberOf(this.#connection, 'SELECT count(*) FROM experiences');
  }
}
