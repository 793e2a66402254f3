import { availableParallelism } from 'node:os';

/** What a process says of itself in heartbeats. */
export interface ProcessFacts {
  /** Share of the machine's cores that this process used since the last sample, 0 to 1. */
  readonly load: number;
  /** Resident memory. */
  readonly memoryBytes: number;
}

/** Samples the processor time of this process, all its threads together. */
export class ProcessLoad {
  readonly #cores = availableParallelism();
  #usedMicros = usedMicros();
  #at = performance.now();
  #load = 0;

  sample(): ProcessFacts {
    const now = performance.now();
    const elapsedMicros = (now - this.#at) * 1000;
    // Too short a time says nothing: the counters move in steps of a scheduler tick.
    if (elapsedMicros >= 50_000) {
      const used = usedMicros();
      this.#load = Math.min(1, Math.max(0, (used - this.#usedMicros) / (elapsedMicros * this.#cores)));
      this.#usedMicros = used;
      this.#at = now;
    }
    return { load: this.#load, memoryBytes: process.memoryUsage.rss() };
  }
}

function usedMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
