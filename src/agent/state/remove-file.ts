import { unlink } from 'node:fs/promises';
import { codeOf } from './errors.js';

/** Removes a file if it is there. (`rm` looks at what it removes first, and there may be thousands of agents.) */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
