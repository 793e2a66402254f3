import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Read before anything is pinned: a pinned process sees one core. */
const CORES = availableParallelism();

/**
 * Puts all threads of a process on one processor core (Linux with `taskset`). Returns false where that is not possible.
 * Two endpoints of a ping-pong need it: left alone, the kernel puts a pair that answers quickly on one core, where
 * nobody has to be woken, and a pair that thinks a little longer on two, and a ratio between them compares placements.
 */
export function pinToCore(pid: number, core: number): boolean {
  return setAffinity(pid, String(core));
}

/** Lets a process run on every core again. */
export function unpin(pid: number): void {
  setAffinity(pid, `0-${String(CORES - 1)}`);
}

function setAffinity(pid: number, cores: string): boolean {
  if (process.platform !== 'linux' || CORES < 2) return false;
  return spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' }).status === 0;
}
