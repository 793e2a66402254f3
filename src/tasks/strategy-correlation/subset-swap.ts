import { at } from '../at.js';
import { type Choice, ROUNDING, totalOf, type Weights } from './subset-weights.js';
import type { Work } from './work.js';

/** Starts of the greedy search, at most; fewer when each takes long. */
const MAX_STARTS = 32;
const GREEDY_STEPS = 2e7;

/** Strategies to start from: those with the least weight to all others. */
export function startsOf({ size, values }: Weights, k: number): number[] {
  const sums = Array.from({ length: size }, (_, row) =>
    values.subarray(row * size, (row + 1) * size).reduce((sum, weight) => sum + weight, 0),
  );
  const count = Math.max(1, Math.min(size, MAX_STARTS, Math.floor(GREEDY_STEPS / (size * k))));
  return Array.from({ length: size }, (_, index) => index)
    .sort((a, b) => (sums[a] ?? 0) - (sums[b] ?? 0) || a - b)
    .slice(0, count);
}

/**
 * Adds the strategy that adds the least weight, one by one, until there are k; then exchanges one inside for one
 * outside, always the exchange that gains most, as long as any gains. Of equal ones the first by index.
 */
export function improve(weights: Weights, start: number, k: number, work: Work): Choice {
  const { size, values } = weights;
  const inside = new Set([start]);
  /** By strategy: its weights to those inside. */
  const toInside = values.slice(start * size, (start + 1) * size);
  const add = (member: number, sign: 1 | -1) => {
    for (let c = 0; c < size; c++) toInside[c] = at(toInside, c) + sign * at(values, member * size + c);
  };
  while (inside.size < k) {
    let chosen = -1;
    for (let c = 0; c < size; c++) {
      if (!inside.has(c) && (chosen < 0 || at(toInside, c) < at(toInside, chosen))) chosen = c;
    }
    inside.add(chosen);
    add(chosen, 1);
    work.add(size * 10);
  }
  for (let exchange = bestExchange(weights, inside, toInside); exchange !== null;) {
    inside.delete(exchange.out);
    inside.add(exchange.into);
    add(exchange.out, -1);
    add(exchange.into, 1);
    work.add(size * k * 3);
    exchange = bestExchange(weights, inside, toInside);
  }
  const members = [...inside].sort((a, b) => a - b);
  return { members, total: totalOf(weights, members) };
}

function bestExchange(
  { size, values }: Weights,
  inside: ReadonlySet<number>,
  toInside: Float64Array,
): { readonly out: number; readonly into: number } | null {
  let best: { readonly out: number; readonly into: number } | null = null;
  let gain = ROUNDING;
  const members = [...inside].sort((a, b) => a - b);
  for (let into = 0; into < size; into++) {
    if (inside.has(into)) continue;
    for (const out of members) {
      const gained = at(toInside, out) - (at(toInside, into) - at(values, out * size + into));
      if (gained > gain + ROUNDING) {
        gain = gained;
        best = { out, into };
      }
    }
  }
  return best;
}
