import { MinHeap } from '../../collections/min-heap.js';

/** A candidate and how far it is from the query. */
export interface Found {
  /** Index of the window, or offset in the series. */
  readonly position: number;
  readonly distance: number;
}

/** How candidates are chosen. */
export interface Choice {
  /** Most to choose. */
  readonly k: number;
  /** Least distance of the positions of two of them; 0 or 1: any. */
  readonly exclusion: number;
  /** What counts as no distance at all: see `equalUpTo`. */
  readonly scale: number;
}

/**
 * The share of a distance that is rounding: stretches of the same shape at several levels are equal but for the last bits,
 * which must not decide.
 */
const EQUAL_SHARE = 1e-9;

/**
 * The greatest distance that counts as equal to `distance`: 1e-9 of it more, and 1e-9 of `scale`, which is for
 * normalised series, where rounding is relative to what was divided away.
 */
export function equalUpTo(distance: number, scale: number): number {
  return distance + EQUAL_SHARE * (distance + scale);
}

/**
 * The k best of candidates offered in ascending order of position, no two of them less than `exclusion` positions
 * apart: the best of all, then the best that is far enough from it, and so on; of those whose distances are equal to the
 * least (`equalUpTo`) the one of the earliest position. That is the rule of motif search for trivial matches
 * (Mueen et al. 2009) applied greedily.
 *
 * `bound` says which distances can no longer count, exactly: a candidate at `bound` or more is never among the k.
 * Without exclusion it is the k-th best distance so far. With it, a better candidate may push out two others, so the
 * k-th best is no bound; but once 2k - 1 candidates of distance t or less lie apart from each other, the greedy choice
 * finds k among those of t or less, since each one it takes is too near to at most two of them. As long as it has not
 * taken k, one of these witnesses is left, and a candidate that comes later, at t or more, is neither nearer than that nor
 * earlier: it is not taken, and changes nothing. (An earlier one may be, up to what is equal to t.)
 */
export class Selection {
  readonly #k: number;
  readonly #exclusion: number;
  readonly #scale: number;
  /** Distances, ascending, of candidates that lie apart from each other: the witnesses of the bound. */
  readonly #apart: Float64Array;
  #apartCount = 0;
  /** The witness of the highest position, the only one that the next candidate can be too near to. */
  #last: Found | undefined;
  #kept: Found[] = [];
  #tidyAt = 4096;

  constructor({ k, exclusion, scale }: Choice) {
    this.#k = k;
    this.#scale = scale;
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
      const wall = equalUpTo(this.bound, this.#scale);
      this.#kept = this.#kept.filter((kept) => kept.distance <= wall);
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
    const taken = ({ position }: Found) => {
      const stretch = Math.floor(position / this.#exclusion);
      return [stretch - 1, stretch, stretch + 1].some((near) => tooNear(position, near));
    };
    const nearest = this.#kept.sort((a, b) => a.distance - b.distance || a.position - b.position);
    // All and only those of `nearest` before `next` that were not looked at yet.
    const equals = new MinHeap<Found>((a, b) => a.position < b.position);
    let next = 0;
    for (const least of nearest) {
      // The loop stays at a candidate until it is itself taken, or one that excludes it.
      while (chosen.length < this.#k && !taken(least)) {
        const wall = equalUpTo(least.distance, this.#scale);
        for (
          let found = nearest[next];
          found !== undefined && found.distance <= wall;
          found = nearest[++next]
        ) {
          equals.push(found);
        }
        const found = equals.pop();
        if (found === undefined) break;
        if (taken(found)) continue;
        stretches.set(Math.floor(found.position / this.#exclusion), found.position);
        chosen.push(found);
      }
      if (chosen.length === this.#k) break;
    }
    return chosen;
  }
}
