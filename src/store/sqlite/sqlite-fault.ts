import { StoreError } from '../store.js';
import { StoreOpenError, type StoreOpenReason } from '../open-error.js';

/** What SQLite says went wrong, as far as it makes a difference here. */
type Fault = 'full' | 'busy' | 'damaged' | 'unwritable' | 'io' | 'other';

const FAULTS: readonly (readonly [prefix: string, fault: Fault])[] = [
  ['SQLITE_FULL', 'full'],
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_CORRUPT', 'damaged'],
  ['SQLITE_NOTADB', 'damaged'],
  ['SQLITE_CANTOPEN', 'unwritable'],
  ['SQLITE_READONLY', 'unwritable'],
  ['SQLITE_PERM', 'unwritable'],
  ['SQLITE_AUTH', 'unwritable'],
  ['SQLITE_IOERR', 'io'],
];

/** libsql's code of an error is SQLite's extended result code by name, or empty when the file could not be opened. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return error.code === '' ? 'SQLITE_CANTOPEN' : error.code;
}

function faultOf(error: unknown): Fault {
  const code = codeOf(error);
  return FAULTS.find(([prefix]) => code?.startsWith(prefix))?.[1] ?? 'other';
}

function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  return code === null ? message : `${message} (${code})`;
}

/** SQLite found no room on the disk. */
export const isFull = (error: unknown): boolean => faultOf(error) === 'full';

/** The disk did not do what it was told. That includes a full one, in places where SQLite does not look closely. */
export const isIoFault = (error: unknown): boolean => faultOf(error) === 'io';

/** What a call on the store rejects with. `path`: the database file. */
export function toStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  switch (faultOf(error)) {
    case 'full':
      return new StoreError('FULL', `no room on the disk of ${path}`);
    case 'busy':
      return new StoreError('UNAVAILABLE', `${path} is locked by another program`);
    case 'damaged':
      return new StoreError('UNAVAILABLE', `${path} is damaged: ${wordsOf(error)}; restore it from a backup`);
    default:
      return new StoreError('UNAVAILABLE', `${path}: ${wordsOf(error)}`);
  }
}

/** What opening rejects with. */
export function toOpenError(error: unknown, path: string): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const because = (reason: StoreOpenReason, words: string) => new StoreOpenError(reason, words);
  switch (faultOf(error)) {
    case 'full':
      return because('FULL', noRoom(path));
    case 'busy':
      return because('LOCKED', `${path} is locked by another program; end it, or use another data directory`);
    case 'damaged':
      return because('DAMAGED', damaged(path, wordsOf(error)));
    case 'unwritable':
      return because('UNWRITABLE', unwritable(path, wordsOf(error)));
    default:
      return because('UNAVAILABLE', `${path} cannot be opened: ${wordsOf(error)}`);
  }
}

const noRoom = (path: string): string =>
  `${path}: no room on its disk; make room, or use another data directory`;

export const damaged = (path: string, why: string): string =>
  `${path} is damaged: ${why}; restore it from a backup, or move it away to start anew`;

export const unwritable = (path: string, why: string): string =>
  `${path} cannot be written: ${why}; check its permissions, or use another data directory`;

/** For errors of node:fs. */
export function fileFault(error: unknown, path: string): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreOpenError('FULL', noRoom(path));
  return new StoreOpenError('UNWRITABLE', unwritable(path, code === '' ? String(error) : code));
}
