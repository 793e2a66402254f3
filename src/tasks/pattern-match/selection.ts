/** A candidate and how far it is from the query. */
export interface Found {
  /** Index of the window, or offset in the series. */
  readonly position: number;
  readonly distance: number;
}

/**
 * The k best of candidates offered in ascending order of position, no two of them less than `exclusion` positions
 * apart: the best of all, then the best that is far enough from it, and so on; of equal distances the earlier
 * position is the better. That is the rule of motif search for trivial matches (Mueen et al. 2009) applied greedily.
 *
 * `bound` says which distances can no longer count, exactly: a candidate at `bound` or more is never among the k.
 * Without exclusion it is the k-th best distance so far. With it, a better candidate may push out two others, so the
 * k-th best is no bound; but once 2k - 1 candidates of distance t or less lie apart from each other, the greedy choice
 * finds k among those of t or less, since each one it takes is too near to at most two of them.
 */
export class Selection {
  readonly #k: number;
  readonly #exclusion: number;
  /** Distances, ascending, of candidates that lie apart from each other: the witnesses of the bound. */
  readonly #apart: Float64Array;
  #apartCount = 0;
  /** The witness of the highest position, the only one that the next candidate can be too near to. */
  #last: Found | undefined;
  #kept: Found[] = [];
  #tidyAt = 4096;

  constructor(k: number, exclusion: number) {
    this.#k = k;
    this.#exclusion = Math.max(1, exclusion);
    this.#apart = new Float64Array(this.#exclusion === 1 ? k : 2 * k - 1);
  }

  get bound(): number {
    return this.#apartCount < this.#apart.length ? Infinity : (this.#apart.at(-1) ?? Infinity);
  }

  /** Positions must ascend from call to call. */
  offer(position: number, distance: number): void {
    if (distance >= this.bound) return;
    const found = { position, distance };
    this.#kept.push(found);
    this.#witness(found);
    if (this.#kept.length >= this.#tidyAt) {
      const { bound } = this;
      this.#kept = this.#kept.filter((kept) => kept.distance <= bound);
      this.#tidyAt = 2 * this.#kept.length + 4096;
    }
  }

  #witness(found: Found): void {
    const last = this.#last;
    if (last !== undefined && found.position - last.position < this.#exclusion) {
      if (found.distance >= last.distance) return;
      this.#remove(last.distance);
    }
    this.#insert(found.distance);
    this.#last = found;
  }

  #insert(distance: number): void {
    const index = this.#rank(distance);
    const end = Math.min(this.#apartCount, this.#apart.length - 1);
    this.#apart.copyWithin(index + 1, index, end);
    this.#apart[index] = distance;
    this.#apartCount = end + 1;
  }

  #remove(distance: number): void {
    this.#apart.copyWithin(this.#rank(distance), this.#rank(distance) + 1, this.#apartCount);
    this.#apartCount--;
  }

  /** Index of the first witness that is not less. */
  #rank(distance: number): number {
    let low = 0;
    let high = this.#apartCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#apart[middle] ?? Infinity) < distance) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The chosen, best first; fewer than k when the exclusion leaves no more. */
  best(): Found[] {
    const chosen: Found[] = [];
    // Chosen positions by stretch of `exclusion` positions: one in each at most, and conflicts only next door.
    const stretches = new Map<number, number>();
    const tooNear = (position: number, stretch: number) => {
      const other = stretches.get(stretch);
      return other !== undefined && Math.abs(position - other) < this.#exclusion;
    };
    for (const found of this.#kept.sort((a, b) => a.distance - b.distance || a.position - b.position)) {
      if (chosen.length === this.#k) break;
      const { position } = found;
      const stretch = Math.floor(position / this.#exclusion);
      if ([stretch - 1, stretch, stretch + 1].some((near) => tooNear(position, near))) continue;
      stretches.set(stretch, position);
      chosen.push(found);
    }
    return chosen;
  }
}
