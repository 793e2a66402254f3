import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../files/make-directory.js';

/** Holds a complete set while its files are put in place. */
const PENDING = '.new-set';

/** Mode of a file in a set: private keys are for their owner only, whatever the umask allows. */
export function fileMode(name: string): number {
  return name.endsWith('.key') ? 0o600 : 0o644;
}

/**
 * Puts a set of files into `directory` so that, of several processes that do it at once, exactly one wins whole, and a
 * crash half-way is repaired by the next `finishFileSet`. Files that exist are never overwritten. `files` are put in
 * place in their order: readers that look for the last one find all others.
 *
 * How: the set becomes visible at once, as a directory renamed to `.new-set` (which fails while another set is there);
 * from then on anybody may finish the job by linking its files to their names, which fails for a name that exists.
 * `.new-set` goes away only after all files are in place.
 */
export function publishFileSet(directory: string, files: ReadonlyMap<string, string>): void {
  makeDirectory(directory, 0o700);
  const own = join(directory, `.new-${randomBytes(8).toString('hex')}`);
  mkdirSync(own, { mode: 0o700 });
  try {
    let order = 0;
    for (const [name, content] of files) {
      writeFileSync(join(own, `${order++}-${name}`), content, { mode: fileMode(name), flush: true });
    }
    try {
      renameSync(own, join(directory, PENDING));
    } catch (error) {
      // Where a directory in the way is said by its name it need not be there any more: whoever made it may have finished.
      const inTheWay =
        isOneOf(error, ['ENOTEMPTY', 'EEXIST']) ||
        (isOneOf(error, ['EPERM', 'EACCES']) && existsSync(join(directory, PENDING)));
      if (!inTheWay) throw error;
      // Another process was first; its set is finished below.
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  finishFileSet(directory);
}

/** Puts the files of a pending set in place, if there is one; harmless beside other processes that do the same. */
export function finishFileSet(directory: string): void {
  const pending = join(directory, PENDING);
  try {
    for (const entry of readdirSync(pending).sort()) {
      linkNew(join(pending, entry), join(directory, entry.replace(/^\d+-/, '')));
    }
    // Renamed first: removing takes several steps, and a half-removed set must not look like a pending one.
    const done = join(directory, `.old-${randomBytes(8).toString('hex')}`);
    renameSync(pending, done);
    rmSync(done, { recursive: true, force: true });
  } catch (error) {
    // Gone: there was none, or another process has finished it.
    if (!isOneOf(error, ['ENOENT', 'ENOTDIR'])) throw error;
  }
}

/** Replaces or makes one file at once: readers see the old content or the new. */
export function replaceFile(directory: string, name: string, content: string): void {
  makeDirectory(directory, 0o700);
  const temporary = join(directory, `.new-${randomBytes(8).toString('hex')}`);
  try {
    writeFileSync(temporary, content, { mode: fileMode(name), flag: 'wx', flush: true });
    renameSync(temporary, join(directory, name));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function linkNew(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (isOneOf(error, ['EEXIST'])) return;
    if (!isOneOf(error, ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])) throw error;
    copyNew(from, to); // a file system without hard links
  }
}

function copyNew(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!isOneOf(error, ['EEXIST'])) throw error;
  }
}

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}
