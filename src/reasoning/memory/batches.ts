import { pairKey } from '../pair-key.js';
import type { Batch, Judged } from './distiller.js';

export interface BatchOptions {
  /** Experiences of a batch. */
  readonly size: number;
  /** Scores from here on went well. */
  readonly successFrom: number;
  /** Scores up to here did not. */
  readonly failureUpTo: number;
  /** Batches being gathered at once; the one longest without news goes first. */
  readonly maxOpen: number;
}

export const DEFAULT_BATCHES: BatchOptions = { size: 8, successFrom: 0.5, failureUpTo: -0.2, maxOpen: 256 };

interface Gathering {
  judged: Judged[];
  /** Batches completed so far. */
  batches: number;
  /** Experiences to let pass before gathering again. */
  pause: number;
}

/** What is let pass after a batch doubles with each, up to this many batches' worth. */
const LONGEST_PAUSE = 128;

/**
 * Gathers experiences for the distiller: those worth a lesson, alike in kind, context and result. More of the same teaches
 * less and less, so after each batch twice as many are let pass as after the one before.
 */
export class Batches {
  readonly #options: BatchOptions;
  readonly #open = new Map<string, Gathering>();

  constructor(options: BatchOptions = DEFAULT_BATCHES) {
    this.#options = options;
  }

  /** Returns the batch that this one completes, or null. */
  add(judged: Judged, context: string): Batch | null {
    const { size, successFrom, failureUpTo } = this.#options;
    const { score, kind } = judged.verdict;
    if (score > failureUpTo && score < successFrom) return null;
    const learnedFrom = score >= successFrom ? 'success' : 'failure';
    const gathering = this.#gathering(pairKey(learnedFrom, pairKey(kind, context)));
    if (gathering.pause > 0) {
      gathering.pause--;
      return null;
    }
    gathering.judged.push(judged);
    if (gathering.judged.length < size) return null;
    const batch = { kind, context, learnedFrom, judged: gathering.judged } as const;
    gathering.pause = size * Math.min(LONGEST_PAUSE, 2 ** gathering.batches++);
    gathering.judged = [];
    return batch;
  }

  /** Puts it last in the order of news. */
  #gathering(key: string): Gathering {
    const gathering = this.#open.get(key) ?? { judged: [], batches: 0, pause: 0 };
    this.#open.delete(key);
    this.#open.set(key, gathering);
    if (this.#open.size > this.#options.maxOpen) {
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest);
        break;
      }
    }
    return gathering;
  }
}
