import { at } from '../at.js';
import { int32At } from './int32.js';

/**
 * The order of a series' values. Places are counted from 0 over the values that are there; equal values share the
 * places from `first` to `last`. A missing point has -1 for both.
 */
export interface Ranking {
  /** Points that have a value, in ascending order of it; equal ones in order of time. */
  readonly order: Int32Array;
  /** By point: first place of its value. */
  readonly first: Int32Array;
  /** By point: last place of its value. */
  readonly last: Int32Array;
  /** Whether two values are equal. */
  readonly tied: boolean;
}

export function rankingOf(row: Float64Array): Ranking {
  const sorted = row.filter((value) => !Number.isNaN(value)).sort();
  const count = sorted.length;
  // Next free place, and last place, of the value whose first place is the index.
  const next = Int32Array.from({ length: count }, (_, place) => place);
  const lastOf = new Int32Array(count);
  let tied = false;
  for (let start = 0; start < count;) {
    let end = start;
    while (end + 1 < count && at(sorted, end + 1) === at(sorted, start)) end++;
    if (end > start) tied = true;
    lastOf[start] = end;
    start = end + 1;
  }
  const order = new Int32Array(count);
  const first = new Int32Array(row.length).fill(-1);
  const last = new Int32Array(row.length).fill(-1);
  for (let point = 0; point < row.length; point++) {
    const value = at(row, point);
    if (Number.isNaN(value)) continue;
    const place = lowerBound(sorted, value);
    first[point] = place;
    last[point] = int32At(lastOf, place);
    const free = int32At(next, place);
    order[free] = point;
    next[place] = free + 1;
  }
  return { order, first, last, tied };
}

/** Index of the first element that is not less than `value`, which is among them. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(sorted, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Average ranks by point, 1 for the least: equal values share the mean of their places (Kendall 1945). NaN stays. */
export function averageRanks({ first, last }: Ranking): Float64Array {
  const ranks = new Float64Array(first.length);
  for (let point = 0; point < ranks.length; point++) {
    const place = int32At(first, point);
    ranks[point] = place < 0 ? NaN : (place + int32At(last, point)) / 2 + 1;
  }
  return ranks;
}

/**
 * Average ranks among those points alone at which another row has a value too, written to `target` by point; what it
 * gets at other points means nothing. Takes one pass over the order, no sorting.
 *
 * @param present by point: 1 where the other row has a value, else 0
 */
export function ranksAmongCommon(ranking: Ranking, present: Int32Array, target: Float64Array): void {
  const { order, first, last, tied } = ranking;
  let rank = 0;
  if (!tied) {
    for (let k = 0; k < order.length; k++) {
      const point = int32At(order, k);
      rank += int32At(present, point);
      target[point] = rank;
    }
    return;
  }
  for (let start = 0; start < order.length;) {
    const point = int32At(order, start);
    const end = start + int32At(last, point) - int32At(first, point) + 1;
    let common = 0;
    for (let k = start; k < end; k++) common += int32At(present, int32At(order, k));
    const average = rank + (common + 1) / 2;
    for (let k = start; k < end; k++) target[int32At(order, k)] = average;
    rank += common;
    start = end;
  }
}
