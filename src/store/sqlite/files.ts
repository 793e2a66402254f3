import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../files/make-directory.js';
import { StoreOpenError } from '../open-error.js';
import { damaged, fileFault } from './sqlite-fault.js';
import { APPLICATION_ID, MIGRATIONS } from './schema.js';

/** The files of a data directory. */
export interface DataFiles {
  readonly directory: string;
  readonly database: string;
  /** A new database grows under this name, and gets its own when it is whole. */
  readonly draft: string;
  /** Whoever holds it locked owns the directory. Never written to. */
  readonly lock: string;
  /** Who that is, in words. */
  readonly owner: string;
  /** Room kept for what must be written when the disk is full. */
  readonly reserve: string;
}

export function dataFiles(directory: string): DataFiles {
  return {
    directory,
    database: join(directory, 'swarm.sqlite'),
    draft: join(directory, 'swarm.sqlite.new'),
    lock: join(directory, 'swarm.lock'),
    owner: join(directory, 'swarm.lock.owner'),
    reserve: join(directory, 'swarm.reserve'),
  };
}

/** Makes the directory, for its owner alone. Throws StoreOpenError `UNWRITABLE`. */
export function makeDataDirectory(directory: string): void {
  try {
    makeDirectory(directory, 0o700);
  } catch (error) {
    throw fileFault(error, directory);
  }
}

/** Makes an empty file, for its owner alone, unless there is one. It is not opened when it is there. */
export function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!existsSync(path)) throw fileFault(error, path);
  }
}

/** Makes what was created or renamed in a directory survive a power failure. */
export function syncDirectory(directory: string): void {
  if (process.platform !== 'win32') sync(directory, 'r');
}

const ZEROS = Buffer.alloc(256 * 1024);

/** Appends zeros to a file until it has so many bytes, and puts them on the disk. Throws what the system throws. */
export function growFile(path: string, bytes: number): void {
  const handle = openSync(path, 'a', 0o600);
  try {
    let missing = bytes - fstatSync(handle).size;
    if (missing <= 0) return;
    while (missing > 0) missing -= writeSync(handle, ZEROS, 0, Math.min(missing, ZEROS.byteLength));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Puts on the disk what was written to a file. */
export const syncFile = (path: string): void => sync(path, 'r+');

function sync(path: string, flags: string): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** https://www.sqlite.org/fileformat.html#the_database_header */
const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
const PAGE_BYTES_OFFSET = 16;
const PAGES_OFFSET = 28;
const VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/**
 * Looks at the first bytes of a database file without SQLite, which would begin to repair what it opens.
 * Throws StoreOpenError `DAMAGED`, `FOREIGN` or `NEWER`; a missing file is fine.
 *
 * Never while this process has the database open: closing any handle of a file drops all of a process's locks on it.
 */
export function checkHeader(path: string): void {
  if (!existsSync(path)) return;
  const header = readHeader(path);
  if (header === null || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new StoreOpenError('DAMAGED', damaged(path, 'it is not a database'));
  }
  const applicationId = header.readUInt32BE(APPLICATION_ID_OFFSET);
  if (applicationId !== APPLICATION_ID) throw foreign(path, `its application id is ${applicationId}`);
  const version = header.readUInt32BE(VERSION_OFFSET);
  if (version > MIGRATIONS.length) throw newer(path, version, MIGRATIONS.length);
  const bytes = header.readUInt16BE(PAGE_BYTES_OFFSET) * header.readUInt32BE(PAGES_OFFSET);
  // With a log beside it the file may be behind, and SQLite has to judge.
  if (statSync(path).size < bytes && !existsSync(`${path}-wal`)) {
    throw new StoreOpenError('DAMAGED', damaged(path, 'its end is missing'));
  }
}

function readHeader(path: string): Buffer | null {
  const header = Buffer.alloc(HEADER_BYTES);
  try {
    const handle = openSync(path, 'r');
    try {
      return readSync(handle, header, 0, HEADER_BYTES, 0) === HEADER_BYTES ? header : null;
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw fileFault(error, path);
  }
}

export function foreign(path: string, why: string): StoreOpenError {
  return new StoreOpenError(
    'FOREIGN',
    `${path} is another program's database (${why}); use another data directory`,
  );
}

export function newer(path: string, version: number, known: number): StoreOpenError {
  return new StoreOpenError(
    'NEWER',
    `${path} was written by a newer version (schema ${version}, this one knows ${known}); ` +
      'run that version, or use another data directory',
  );
}
