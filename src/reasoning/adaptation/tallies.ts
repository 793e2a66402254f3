import { pairKey } from '../pair-key.js';

/** How often a move was tried by any agent, and how often it helped. */
export interface Tally {
  readonly tried: number;
  readonly kept: number;
}

export type PlainTallies = readonly { readonly key: string; readonly tally: Tally }[];

const NOT_TRIED: Tally = { tried: 0, kept: 0 };
/** There are two moves for each parameter; registries are small. */
const MAX_TALLIES = 4_096;

/** What became of the moves at each kind. */
export class MoveTallies {
  readonly #tallies = new Map<string, Tally>();

  constructor(from: PlainTallies = []) {
    for (const { key, tally } of from) this.#tallies.set(key, tally);
  }

  of(kind: string, move: string): Tally {
    return this.#tallies.get(pairKey(kind, move)) ?? NOT_TRIED;
  }

  count(kind: string, move: string, kept: boolean): void {
    const key = pairKey(kind, move);
    if (this.#tallies.size >= MAX_TALLIES && !this.#tallies.has(key)) return;
    const { tried, kept: before } = this.of(kind, move);
    this.#tallies.set(key, { tried: tried + 1, kept: before + (kept ? 1 : 0) });
  }

  plain(): PlainTallies {
    return [...this.#tallies].map(([key, tally]) => ({ key, tally }));
  }
}
