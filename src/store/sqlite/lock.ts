import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { StoreOpenError } from '../open-error.js';
import { checkHeader, dataFiles, makeDataDirectory, makeFile, type DataFiles } from './files.js';
import { fileFault, toOpenError } from './sqlite-fault.js';

/** How long to wait for a lock: somebody may only have looked whether it is free. */
const PATIENCE_MS = 200;

/**
 * The right to use a data directory, which at most one store has at a time, in this process or another. It is an
 * exclusive transaction on a file of its own: the operating system ends it with the process, however that dies, and the
 * database itself stays open to readers.
 */
export class DirectoryLock {
  readonly #files: DataFiles;
  readonly #release: () => void;

  private constructor(files: DataFiles, release: () => void) {
    this.#files = files;
    this.#release = release;
  }

  /**
   * Takes the directory, and makes it when it is missing. Looks at the database file first: nothing is made beside one
   * that is not ours. Throws StoreOpenError.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const files = dataFiles(directory);
    makeDataDirectory(directory);
    // The file is opened by itself only when no store of this process can have it open: see checkHeader.
    const known = existsSync(files.lock) ? await hold(files) : null;
    try {
      checkHeader(files.database);
      const release = known ?? (await hold(files));
      writeOwner(files);
      return new DirectoryLock(files, release);
    } catch (error) {
      known?.();
      throw error;
    }
  }

  release(): void {
    rmSync(this.#files.owner, { force: true });
    this.#release();
  }
}

/** Returns what lets go. */
async function hold(files: DataFiles): Promise<() => void> {
  const { default: Database } = await import('libsql');
  makeFile(files.lock);
  try {
    const connection = new Database(files.lock);
    try {
      connection.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
      // Nothing is ever written, so there is nothing to keep a journal of.
      connection.exec('PRAGMA journal_mode = OFF');
      connection.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      connection.close();
      throw error;
    }
    return () => {
      connection.exec('ROLLBACK');
      connection.close();
    };
  } catch (error) {
    const fault = toOpenError(error, files.lock);
    if (fault.reason !== 'LOCKED') throw fault;
    throw new StoreOpenError(
      'LOCKED',
      `${files.directory} is in use by ${ownerOf(files)}; end that, or use another data directory`,
    );
  }
}

function writeOwner(files: DataFiles): void {
  try {
    writeFileSync(files.owner, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
  } catch (error) {
    throw fileFault(error, files.owner);
  }
}

function ownerOf(files: DataFiles): string {
  try {
    return readFileSync(files.owner, 'utf8').trim() || 'another process';
  } catch {
    return 'another process';
  }
}
