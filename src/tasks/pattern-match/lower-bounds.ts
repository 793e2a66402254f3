import { at } from '../at.js';
import type { DtwCost } from './dtw.js';

/** Cheap lower bounds of the warping cost, from the values alone: what cannot win needs no table. */

/**
 * The bounds add in another order than the table does, so equal costs may differ in their last bits. A limit this much
 * wider never gives up a candidate that the exact cost would have kept.
 */
const ROUNDING_SLACK = 1 + 1e-9;

/** The accumulated cost at which bounds and table give a candidate up, of a bound on its distance. */
export function costLimit(bound: number, cost: DtwCost): number {
  return (cost === 'squared' ? bound * bound : bound) * ROUNDING_SLACK;
}

/** For each position of a candidate, the least and greatest value of the query points it may be aligned with. */
export interface Envelope {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * The envelope of a query under a Sakoe-Chiba radius, for candidates of up to `length` points (Keogh 2002); position
 * i covers query points i - radius to i + radius. Linear time, by monotonic queues (Lemire 2006). Where a position
 * reaches no query point at all, lower is Infinity and upper -Infinity.
 */
export function envelope(query: Float64Array, radius: number | null, length: number): Envelope {
  const lower = new Float64Array(length).fill(Infinity);
  const upper = new Float64Array(length).fill(-Infinity);
  const reach = Math.min(radius ?? Infinity, Math.max(query.length, length));
  slidingExtreme(query, reach, lower, (a, b) => a <= b);
  slidingExtreme(query, reach, upper, (a, b) => a >= b);
  return { lower, upper };
}

function slidingExtreme(
  query: Float64Array,
  reach: number,
  result: Float64Array,
  beats: (a: number, b: number) => boolean,
): void {
  // Indices of query points in `queue[head .. tail)`: ascending, each value beaten by those before it.
  const queue = new Uint32Array(query.length);
  let head = 0;
  let tail = 0;
  let next = 0;
  for (let i = 0; i < result.length; i++) {
    for (; next < query.length && next <= i + reach; next++) {
      const value = at(query, next);
      while (tail > head && beats(value, at(query, queue[tail - 1] ?? 0))) tail--;
      queue[tail++] = next;
    }
    while (head < tail && (queue[head] ?? 0) < i - reach) head++;
    if (head < tail) result[i] = at(query, queue[head] ?? 0);
  }
}

/** LB_Kim of the first and last points, which every alignment pairs (the constant-time form of Rakthanmanon et al. 2012). */
export function endsBound(query: Float64Array, candidate: Float64Array, cost: DtwCost): number {
  const first = at(candidate, 0) - at(query, 0);
  const last = at(candidate, candidate.length - 1) - at(query, query.length - 1);
  // Two single points are one pair, not two.
  const second = candidate.length === 1 && query.length === 1 ? 0 : last;
  return cost === 'squared' ? first * first + second * second : Math.abs(first) + Math.abs(second);
}

/**
 * LB_Keogh: what each candidate point costs at least, for it is aligned with some query point inside the envelope.
 * Fills `restFrom[i]` with the sum over points i and later, and returns the whole sum; stops as soon as the sum
 * reaches `bound`, leaving the front of `restFrom` unset.
 */
export function envelopeBound(
  { lower, upper }: Envelope,
  candidate: Float64Array,
  cost: DtwCost,
  bound: number,
  restFrom: Float64Array,
): number {
  const squared = cost === 'squared';
  let sum = 0;
  for (let i = candidate.length - 1; i >= 0; i--) {
    const value = at(candidate, i);
    const outside = Math.max(value - at(upper, i), at(lower, i) - value, 0);
    sum += squared ? outside * outside : outside;
    if (sum >= bound) return sum;
    restFrom[i] = sum;
  }
  return sum;
}
