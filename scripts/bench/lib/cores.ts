import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Read before anything is pinned: a pinned process sees one core. */
const CORES = availableParallelism();

/**
 * Puts the main thread of a process on one processor core (Linux with `taskset`). Returns false where that is not
 * possible. The threads that compile and collect garbage beside it go where there is room, as they would on a machine
 * of its own: on the same core they would stop it for milliseconds. Two endpoints of a ping-pong need it: left alone,
 * the kernel puts a pair that answers quickly on one core, where nobody has to be woken, and a pair that thinks a
 * little longer on two, and a ratio between them compares placements.
 */
export function pinToCore(pid: number, core: number): boolean {
  return setAffinity(pid, String(core));
}

/** Lets it run on every core again. */
export function unpin(pid: number): void {
  setAffinity(pid, `0-${String(CORES - 1)}`);
}

function setAffinity(pid: number, cores: string): boolean {
  if (process.platform !== 'linux' || CORES < 2) return false;
  return spawnSync('taskset', ['-c', '-p', cores, String(pid)], { stdio: 'ignore' }).status === 0;
}
