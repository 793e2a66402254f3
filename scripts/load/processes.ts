import { readdirSync, readFileSync } from 'node:fs';
import { peakResidentBytes, residentBytes } from '../lib/memory.js';
import type { NamedProcess } from './options.js';

/** USER_HZ, which is 100 on every Linux that Node runs on (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;

/** What a process has used. */
export interface ProcessSample {
  /** Processor time since its start, all threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly handles: number;
}

/** @throws Error when the process is gone */
export function sampleProcess({ name, pid }: NamedProcess): ProcessSample {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may hold anything: the fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      cpuSeconds: ticks / TICKS_PER_SECOND,
      residentBytes: residentBytes(pid) ?? 0,
      peakBytes: peakResidentBytes(pid) ?? 0,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch (error) {
    throw new Error(`${name} (process ${pid}) is gone`, { cause: error });
  }
}
