import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const BLOCK = Buffer.alloc(64 * 1024);
/** Part of the free room that it takes at most. */
const SHARE = 1 / 8;

/**
 * Room on the disk that is kept for the time when there is no other: the results of running tasks still have to be
 * written when new tasks are refused. A file of zeros, deleted when the disk is full and made again when there is room.
 */
export class Reserve {
  /** Size of the file. */
  #held = 0;
  /** Size it had, when it was given up and not made again. */
  #spent = 0;

  constructor(
    readonly path: string,
    readonly maxBytes: number,
  ) {
    if (existsSync(path)) this.#held = statSync(path).size;
    else this.#make(Math.min(maxBytes, this.freeBytes() * SHARE));
  }

  /** Bytes that are in use of what was kept for the worst; 0 in good times. */
  get spent(): number {
    return this.#spent;
  }

  /** Gives the room free. False when there was none. */
  release(): boolean {
    if (this.#held === 0) return false;
    rmSync(this.path, { force: true });
    this.#spent = this.#held;
    this.#held = 0;
    return true;
  }

  /** Makes it again when there is room for twice its size. */
  restore(): void {
    if (this.#spent > 0 && this.freeBytes() >= 2 * this.#spent) this.#make(this.#spent);
  }

  #make(bytes: number): void {
    const blocks = Math.floor(bytes / BLOCK.byteLength);
    if (blocks === 0) return;
    try {
      const handle = openSync(this.path, 'w', 0o600);
      try {
        for (let block = 0; block < blocks; block++) {
          if (writeSync(handle, BLOCK) < BLOCK.byteLength) throw new Error('no room');
        }
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      this.#held = blocks * BLOCK.byteLength;
      this.#spent = 0;
    } catch {
      // Somebody else took the room meanwhile.
      rmSync(this.path, { force: true });
    }
  }

  /** Of the disk. */
  freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.path));
      return bavail * bsize;
    } catch {
      return 0;
    }
  }
}
