import { SeededRandom } from '../../numeric/random.js';

/** Rows of an epoch's order, from `start` up to but without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The order of the samples in an epoch: depends on seed and epoch alone, so that a training can go on at any of them. */
export function orderOf(samples: number, shuffle: boolean, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: samples }, (_, index) => index);
  if (!shuffle) return order;
  const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b));
  for (let i = samples - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    const swapped = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swapped;
  }
  return order;
}

export function batchOf(batch: number, batchSize: number, samples: number): Span {
  return { start: batch * batchSize, end: Math.min(samples, (batch + 1) * batchSize) };
}

/** A span in `parts` parts, as equal as can be, none of them empty. Depends on nothing else: who computes them does not matter. */
export function partsOf({ start, end }: Span, parts: number): Span[] {
  const count = Math.min(parts, end - start);
  const cut = (part: number) => start + Math.floor((part * (end - start)) / count);
  return Array.from({ length: count }, (_, part) => ({ start: cut(part), end: cut(part + 1) }));
}

/** The rows of a span one after the other in one array. */
export function gather(
  rows: readonly Float64Array[],
  order: Uint32Array,
  { start, end }: Span,
): Float64Array {
  const width = rows[0]?.length ?? 0;
  const gathered = new Float64Array((end - start) * width);
  for (let i = start; i < end; i++) {
    const row = rows[order[i] ?? 0];
    if (row !== undefined) gathered.set(row, (i - start) * width);
  }
  return gathered;
}
