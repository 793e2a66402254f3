import { readFileSync } from 'node:fs';

const MEBIBYTE = 1024 ** 2;

export interface MemoryUse {
  peakMiB: number;
  /** At the last sample. */
  lastMiB: number;
}

/** Resident memory of processes by name, sampled every second (Linux). */
export class MemorySampler {
  readonly use = new Map<string, MemoryUse>();
  readonly #timer: NodeJS.Timeout;

  constructor(processes: () => Iterable<{ readonly name: string; readonly pid: number }>) {
    this.#timer = setInterval(() => {
      for (const { name, pid } of processes()) this.#sample(name, pid);
    }, 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(name: string, pid: number): void {
    const bytes = residentBytes(pid);
    if (bytes === null) return;
    const mebibytes = bytes / MEBIBYTE;
    const use = this.use.get(name);
    if (use === undefined) this.use.set(name, { peakMiB: mebibytes, lastMiB: mebibytes });
    else {
      use.peakMiB = Math.max(use.peakMiB, mebibytes);
      use.lastMiB = mebibytes;
    }
  }
}

/** Null when the process is gone, or the system does not say. */
export function residentBytes(pid: number): number | null {
  return kibibytesOf(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/** The most that it ever had. Null when the process is gone, or the system does not say. */
export function peakResidentBytes(pid: number): number | null {
  return kibibytesOf(pid, /^VmHWM:\s+(\d+) kB$/m);
}

function kibibytesOf(pid: number, line: RegExp): number | null {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return null;
  }
  const kibibytes = line.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
