import { bitCount, int32At } from './int32.js';
import { KendallTest, type PairCounts, tauB, type TieSums } from './kendall-distribution.js';
import { emptyMatrix, type Matrix, setPair } from './matrix.js';
import { type Ranking, rankingOf } from './ranks.js';
import type { Table } from './table.js';
import type { Work } from './work.js';

export interface KendallResult {
  readonly matrix: Matrix;
  readonly pValues: Matrix | null;
}

/** Kendall's tau-b of every pair over their common points, and its two-sided p-values. */
export function kendall(table: Table, withPValues: boolean, work: Work): KendallResult {
  const size = table.rows.length;
  const matrix = emptyMatrix(size);
  const pValues = withPValues ? emptyMatrix(size) : null;
  const rankings = table.rows.map(rankingOf);
  const counter = new PairCounter(table.points);
  const test = new KendallTest();
  const cost = kendallCost(1, table.points);
  rankings.forEach((x, a) => {
    for (let b = a; b < size; b++) {
      const y = rankings[b];
      if (y === undefined) continue;
      const counts = counter.count(x, y);
      const tau = tauB(counts);
      // The product of two roots may miss the square by a rounding.
      setPair(matrix, a, b, a === b && !Number.isNaN(tau) ? 1 : tau);
      if (pValues !== null) setPair(pValues, a, b, a === b ? onDiagonal(tau) : test.pValue(counts));
      work.add(cost);
    }
  });
  return { matrix, pValues };
}

/** A p-value on the diagonal: 0 where the coefficient exists. */
function onDiagonal(tau: number): number {
  return Number.isNaN(tau) ? NaN : 0;
}

/** Nanoseconds for so many pairs of series of so many points. */
export function kendallCost(pairs: number, points: number): number {
  return pairs * points * (4 + 1.5 * Math.log2(points + 1));
}

/**
 * Counts the discordant pairs of points of two series in O(n log n), from orders computed once a series. The points
 * are taken in ascending order of x; of those taken before, the ones with a greater y are discordant. Which places of
 * the order of y are taken is a bit set, with a Fenwick tree (Fenwick 1994) over its words for the sums. It gives the
 * counts of the merge sort of Knight (1966) in half the time, and skips missing points without a new sorting.
 */
class PairCounter {
  readonly #words: number;
  readonly #taken: Int32Array;
  /** Element i: taken places in the words that Fenwick gives to node i, from 1. */
  readonly #tree: Int32Array;
  /** By the first place of a tied value of y: how many were taken. */
  readonly #used: Int32Array;
  /** Likewise, how many in the present group of equal x; valid when the stamp is the group's. */
  readonly #usedInGroup: Int32Array;
  readonly #stamp: Int32Array;

  constructor(points: number) {
    this.#words = Math.ceil(points / 32);
    this.#taken = new Int32Array(this.#words + 1);
    this.#tree = new Int32Array(this.#words + 1);
    this.#used = new Int32Array(points);
    this.#usedInGroup = new Int32Array(points);
    this.#stamp = new Int32Array(points);
  }

  count(x: Ranking, y: Ranking): PairCounts {
    this.#taken.fill(0);
    this.#tree.fill(0);
    return x.tied || y.tied ? this.#countTied(x, y) : this.#countUntied(x, y);
  }

  #countUntied({ order }: Ranking, { first }: Ranking): PairCounts {
    let count = 0;
    let discordant = 0;
    for (let k = 0; k < order.length; k++) {
      const place = int32At(first, int32At(order, k));
      if (place < 0) continue;
      discordant += count - this.#takenUpTo(place);
      this.#take(place);
      count++;
    }
    return { count, discordant, tiesX: noTies(), tiesY: noTies(), tiedInBoth: 0 };
  }

  #countTied(x: Ranking, y: Ranking): PairCounts {
    const { order } = x;
    const tiesX = noTies();
    const tiesY = noTies();
    this.#used.fill(0);
    this.#stamp.fill(-1);
    let count = 0;
    let discordant = 0;
    let tiedInBoth = 0;
    for (let start = 0; start < order.length;) {
      const group = int32At(x.first, int32At(order, start));
      let end = start;
      let inGroup = 0;
      // All of a group of equal x look before any of them is taken: pairs within it are not discordant.
      for (; end < order.length && int32At(x.first, int32At(order, end)) === group; end++) {
        const last = int32At(y.last, int32At(order, end));
        if (last >= 0) discordant += count - this.#takenUpTo(last);
      }
      for (let k = start; k < end; k++) {
        const place = int32At(y.first, int32At(order, k));
        if (place < 0) continue;
        tiedInBoth += this.#enterGroup(place, group);
        const used = int32At(this.#used, place);
        this.#used[place] = used + 1;
        this.#take(place + used);
        inGroup++;
      }
      addTie(tiesX, inGroup);
      count += inGroup;
      start = end;
    }
    for (const used of this.#used) if (used > 1) addTie(tiesY, used);
    return { count, discordant, tiesX, tiesY, tiedInBoth };
  }

  /** How many with this y are in this group of x already. */
  #enterGroup(place: number, group: number): number {
    const before = int32At(this.#stamp, place) === group ? int32At(this.#usedInGroup, place) : 0;
    this.#stamp[place] = group;
    this.#usedInGroup[place] = before + 1;
    return before;
  }

  #take(place: number): void {
    const word = place >> 5;
    const tree = this.#tree;
    this.#taken[word] = int32At(this.#taken, word) | (1 << (place & 31));
    for (let node = word + 1; node <= this.#words; node += node & -node) tree[node] = int32At(tree, node) + 1;
  }

  /** Taken places from 0 to `place`, itself included. */
  #takenUpTo(place: number): number {
    const word = place >> 5;
    const tree = this.#tree;
    let sum = bitCount(int32At(this.#taken, word) & ((2 << (place & 31)) - 1));
    for (let node = word; node > 0; node &= node - 1) sum += int32At(tree, node);
    return sum;
  }
}

function noTies(): TieSums {
  return { pairs: 0, triples: 0, weighted: 0 };
}

function addTie(ties: TieSums, size: number): void {
  const ordered = size * (size - 1);
  ties.pairs += ordered / 2;
  ties.triples += ordered * (size - 2);
  ties.weighted += ordered * (2 * size + 5);
}
