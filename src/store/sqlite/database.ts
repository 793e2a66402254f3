import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import Database from 'libsql';
import { StoreOpenError } from '../open-error.js';
import { foreign, makeFile, newer, syncDirectory, syncFile, type DataFiles } from './files.js';
import { APPLICATION_ID, MIGRATIONS, TABLES, type Migration } from './schema.js';
import { damaged, fileFault, toOpenError } from './sqlite-fault.js';

export type { Database };
export type Connection = Database.Database;
export type Statement = Database.Statement;
export type Row = readonly unknown[];

/** How long to wait for another program that writes to the database. */
const BUSY_TIMEOUT_MS = 5_000;
const CACHE_KIB = 32 * 1024;
/** The write-ahead log gives back what it has beyond this when it starts over. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;
/** Above this a check of every page would hold up the start; damage then shows when the page is read. */
const CHECKED_BYTES = 64 * 1024 * 1024;

export interface DatabaseOptions {
  /** `full`: a commit is on the disk before it resolves. `normal`: it survives the end of the process, not that of the machine. */
  readonly durability: 'full' | 'normal';
  /** Of 4 KiB each; beyond it the database is full. Null: only the disk bounds it. */
  readonly maxPages: number | null;
}

/**
 * Opens the database of a directory, makes it when there is none, brings its schema up to date.
 * The caller holds the lock of the directory. Throws StoreOpenError.
 */
export function openDatabase(
  files: DataFiles,
  options: DatabaseOptions,
  migrations: readonly Migration[] = MIGRATIONS,
): Connection {
  try {
    if (!existsSync(files.database)) createDatabase(files, migrations);
    const connection = connect(files.database);
    check(connection, files.database, migrations);
    migrate(connection, migrations);
    connection.exec('PRAGMA journal_mode = WAL');
    connection.exec(`PRAGMA synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
    connection.exec('PRAGMA wal_autocheckpoint = 0');
    connection.exec(`PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`);
    if (options.maxPages !== null) connection.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    return connection;
  } catch (error) {
    throw toOpenError(error, files.database);
  }
}

function connect(path: string): Connection {
  const connection = new Database(path);
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  connection.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  return connection;
}

/** The file has its name only when it is whole: a crash in between leaves no half of one, so it needs no journal either. */
function createDatabase(files: DataFiles, migrations: readonly Migration[]): void {
  rmSync(files.draft, { force: true });
  makeFile(files.draft);
  const connection = connect(files.draft);
  connection.exec('PRAGMA journal_mode = OFF');
  connection.exec('PRAGMA synchronous = OFF');
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  migrate(connection, migrations);
  connection.close();
  try {
    syncFile(files.draft);
    renameSync(files.draft, files.database);
    syncDirectory(files.directory);
  } catch (error) {
    throw fileFault(error, files.database);
  }
}

function check(connection: Connection, path: string, migrations: readonly Migration[]): void {
  const version = versionOf(connection);
  if (version > migrations.length) throw newer(path, version, migrations.length);
  const applicationId = numberOf(connection, 'PRAGMA application_id');
  if (applicationId !== APPLICATION_ID) throw foreign(path, `its application id is ${applicationId}`);
  const tables = rowsOf(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'").map(
    ([name]) => name,
  );
  const missing = TABLES.find((name) => !tables.includes(name));
  if (missing !== undefined) throw foreign(path, `it has no table '${missing}'`);
  if (statSync(path).size > CHECKED_BYTES) return;
  const [[verdict] = []] = rowsOf(connection, 'PRAGMA quick_check(1)');
  if (verdict !== 'ok')
    throw new StoreOpenError('DAMAGED', damaged(path, String(verdict).replace(/\s+/g, ' ')));
}

/** Runs the migrations that the database has not seen, each in a transaction that also writes its version. */
export function migrate(connection: Connection, migrations: readonly Migration[]): void {
  for (let version = versionOf(connection); version < migrations.length; version++) {
    connection.exec('BEGIN EXCLUSIVE');
    try {
      connection.exec(migrations[version]?.sql ?? '');
      connection.exec(`PRAGMA user_version = ${version + 1}`);
      connection.exec('COMMIT');
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  }
}

const versionOf = (connection: Connection): number => numberOf(connection, 'PRAGMA user_version');

/** A statement whose rows are arrays. */
export const query = (connection: Connection, sql: string): Statement => connection.prepare(sql).raw();

export function rowsOf(connection: Connection, sql: string): Row[] {
  return allRows(query(connection, sql), []);
}

/** The first column of the first row. */
export function numberOf(connection: Connection, sql: string): number {
  const value = oneRow(query(connection, sql), [])?.[0];
  return typeof value === 'number' ? value : 0;
}

/** libsql takes an array of parameters as it is, and copies anything else. */
export function oneRow(statement: Statement, parameters: readonly unknown[]): Row | null {
  const row: unknown = statement.get(parameters);
  return Array.isArray(row) ? row : null;
}

export function allRows(statement: Statement, parameters: readonly unknown[]): Row[] {
  const rows: Row[] = [];
  for (const row of statement.all(parameters)) if (Array.isArray(row)) rows.push(row);
  return rows;
}
