import { createRequire } from 'node:module';
import { isRecord } from '../checks.js';
import { TaskFailure } from '../failure.js';
import type { Comparator } from './metrics.js';
import { dtwSimilarity } from './similarity.js';
import type { WorkMeter } from './work-meter.js';

/**
 * The WebAssembly DTW of the `midstreamer` package, version 0.2.5: absolute differences over any alignment, the whole
 * table. (It takes a window and does not use it, and knows no bound.)
 */
export interface MidstreamerDtw {
  dtw(a: Float64Array, b: Float64Array): number;
}

/**
 * Loads the package when it is first asked for. `require`: from where it is looked for; default this package.
 *
 * @throws TaskFailure `KernelMissing` when it is not installed or is another version's. Another agent may have it, so the
 * task may be tried again.
 */
export function loadMidstreamer(require: NodeJS.Require = createRequire(import.meta.url)): MidstreamerDtw {
  let module: unknown;
  try {
    module = require('midstreamer');
  } catch (cause) {
    throw missing('the package midstreamer cannot be loaded here', cause);
  }
  const made: unknown = construct(isRecord(module) ? module['TemporalCompare'] : undefined);
  const dtw: unknown = typeof made === 'object' && made !== null ? Reflect.get(made, 'dtw') : undefined;
  if (!isCallable(dtw)) throw missing('the package midstreamer that is installed has no TemporalCompare.dtw');
  return {
    dtw: (a, b) => {
      const distance: unknown = dtw.call(made, a, b);
      if (typeof distance === 'number') return distance;
      throw missing('the package midstreamer that is installed returns no distance');
    },
  };
}

/** Compares candidates with the kernel of the package: each in full. */
export class MidstreamerComparator implements Comparator {
  readonly #query: Float64Array;
  readonly #kernel: MidstreamerDtw;
  readonly #meter: WorkMeter;

  constructor(query: Float64Array, kernel: MidstreamerDtw, meter: WorkMeter) {
    this.#query = query;
    this.#kernel = kernel;
    this.#meter = meter;
  }

  distance(candidate: Float64Array): number {
    // A cell takes it about eight times as long as the built-in kernel.
    this.#meter.add(8 * candidate.length * this.#query.length);
    return this.#kernel.dtw(candidate, this.#query);
  }

  similarity(distance: number): number {
    return dtwSimilarity(distance, this.#query.length, 'absolute');
  }
}

function missing(what: string, cause?: unknown): TaskFailure {
  const advice = "install it beside the agent (npm install midstreamer@0.2.5), or use kernel 'builtin'";
  return new TaskFailure('KernelMissing', `kernel: ${what}; ${advice}`, true, { cause });
}

function construct(value: unknown): unknown {
  try {
    return isCallable(value) ? Reflect.construct(value, []) : undefined;
  } catch {
    return undefined;
  }
}

/** All that can be known of a function before it is called is that it is one. */
function isCallable(value: unknown): value is (...parameters: unknown[]) => unknown {
  return typeof value === 'function';
}
