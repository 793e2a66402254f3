import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory, and those above it that are missing, with `mode`. False when it was there.
 *
 * `mkdir` with `recursive` is no use: where a file system says ENOENT below a directory that exists, as /proc does, it
 * tries the two in turn for ever.
 * @throws what the system says of the first one that cannot be made.
 */
export function makeDirectory(path: string, mode: number): boolean {
  const above = dirname(path);
  for (let aboveIsThere = above === path; ; aboveIsThere = true) {
    try {
      mkdirSync(path, { mode });
      return true;
    } catch (error) {
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return false;
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (aboveIsThere || !isMissing) throw error;
      makeDirectory(above, mode);
    }
  }
}
