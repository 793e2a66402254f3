import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';

/** Debian's libfaketime, where its packages put it. */
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
];

/**
 * The time of day of one process, which can jump while it runs: libfaketime between it and the system. The monotonic clock
 * stays as it is, as it does when an operator or NTP sets the time.
 */
export class ClockJumps {
  readonly #file: string;
  /** What the process has to be started with. */
  readonly env: NodeJS.ProcessEnv;

  private constructor(library: string, file: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  static async prepare(file: string): Promise<ClockJumps | { readonly why: string }> {
    const library = LIBRARIES.find((path) => existsSync(path));
    if (library === undefined) return { why: 'libfaketime is not installed' };
    const jumps = new ClockJumps(library, file);
    await jumps.set(0);
    return jumps;
  }

  /** From about a second from now on. */
  async set(offsetSeconds: number): Promise<void> {
    await writeFile(this.#file, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds.toFixed(3)}\n`);
  }
}
