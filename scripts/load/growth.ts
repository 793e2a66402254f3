import { median } from '../bench/lib/statistics.js';
import type { NamedProcess } from './options.js';
import { sampleProcess, type ProcessSample } from './processes.js';

/** Caches, heaps and pools fill in the first tenth of the time. */
const WARM_UP_SHARE = 0.1;
const SAMPLE_MS = 1000;
/** At least these many samples make a level: one alone may lie just before or after a garbage collection. */
const WINDOW = 10;
/** A few connections or files more are no growth. */
const SPARE_HANDLES = 16;

/** Watches processes under load for growth that does not end. */
export class GrowthWatch {
  readonly #samples: { readonly at: number; readonly of: readonly ProcessSample[] }[] = [];
  readonly #timer: NodeJS.Timeout;
  #problem: Error | null = null;

  constructor(readonly processes: readonly NamedProcess[]) {
    this.#timer = setInterval(() => {
      try {
        this.#samples.push({ at: performance.now(), of: processes.map(sampleProcess) });
      } catch (error) {
        this.#problem ??= error instanceof Error ? error : new Error(String(error));
      }
    }, SAMPLE_MS);
  }

  /** What has grown by more than `percent` since the warm-up, in words. Throws when a process was gone. */
  stop(percent: number): readonly string[] {
    clearInterval(this.#timer);
    if (this.#problem !== null) throw this.#problem;
    const first = Math.floor(this.#samples.length * WARM_UP_SHARE);
    const window = Math.min(WINDOW, Math.floor((this.#samples.length - first) / 2));
    if (window === 0) return ['the load was too short to tell growth'];
    return this.processes.flatMap(({ name }, index) => {
      const level = (from: number, of: (sample: ProcessSample) => number) =>
        median(this.#samples.slice(from, from + window).map((sample) => of(valueAt(sample.of, index))));
      const last = this.#samples.length - window;
      return grown(name, percent, (of) => [level(first, of), level(last, of)]);
    });
  }
}

/** Growth of one process; `levels` gives what was in use after the warm-up and at the end. */
export function grown(
  name: string,
  percent: number,
  levels: (of: (sample: ProcessSample) => number) => readonly [number, number],
): readonly string[] {
  const found: string[] = [];
  const [memory, memoryLater] = levels(({ residentBytes }) => residentBytes);
  if (memoryLater > memory * (1 + percent / 100))
    found.push(`${name}: memory grew from ${megabytes(memory)} to ${megabytes(memoryLater)}`);
  const [handles, handlesLater] = levels((sample) => sample.handles);
  if (handlesLater > handles * (1 + percent / 100) + SPARE_HANDLES)
    found.push(`${name}: handles grew from ${handles} to ${handlesLater}`);
  return found;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(0)} MB`;
}

function valueAt(samples: readonly ProcessSample[], index: number): ProcessSample {
  const sample = samples[index];
  if (sample === undefined) throw new RangeError(`no sample of process ${index}`);
  return sample;
}
