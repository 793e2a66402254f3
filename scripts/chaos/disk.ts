import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SIZE_MEBIBYTES = 192;
const BLOCK_BYTES = 1024 ** 2;
const SMALL_BLOCK_BYTES = 4096;

/** A small disk of its own that can be filled: a tmpfs, which takes root on Linux. */
export class SmallDisk {
  readonly #filler: string;

  private constructor(readonly directory: string) {
    this.#filler = join(directory, 'filler');
  }

  /** Mounts it on an empty folder, or says why that cannot be done. */
  static async mount(directory: string): Promise<SmallDisk | { readonly why: string }> {
    if (process.platform !== 'linux') return { why: 'a small file system needs Linux' };
    if (process.getuid?.() !== 0) return { why: 'only root may mount a small file system' };
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MEBIBYTES}m,mode=700`, 'tmpfs', directory]);
    } catch {
      return { why: 'a small file system could not be mounted' };
    }
    return new SmallDisk(directory);
  }

  /** Leaves not one block free. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, 'a');
    try {
      for (const bytes of [BLOCK_BYTES, SMALL_BLOCK_BYTES]) await writeUntilFull(file, Buffer.alloc(bytes));
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  async unmount(): Promise<void> {
    await run('umount', ['--lazy', this.directory]);
  }
}

async function writeUntilFull(
  file: { write(block: Buffer): Promise<unknown> },
  block: Buffer,
): Promise<void> {
  for (;;) {
    try {
      await file.write(block);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
      throw error;
    }
  }
}
