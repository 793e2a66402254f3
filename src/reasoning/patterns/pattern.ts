import { SHAPE_DIMENSIONS } from './shape.js';

/** What came of a pattern: what its forecast was about, or what the result was worth on the scale of its kind. */
export type PatternOutcome = { readonly actual: number } | { readonly value: number };

/** A pattern that history was searched for, what was forecast from it, and what came of that once it is known. */
export interface Pattern {
  /** Of its task: sorts by time. */
  readonly taskId: string;
  readonly agentId: string;
  /** Made by `shapeOf`: SHAPE_DIMENSIONS numbers, length 1. Nobody writes to it. */
  readonly vector: Float32Array;
  /** How many points it had. */
  readonly points: number;
  readonly recordedAt: number;
  /** The forecast; null when there was none. */
  readonly expected: number | null;
  /** 0 to 1; null when the agent did not say. */
  readonly confidence: number | null;
  /** Null as long as nobody has said what came. */
  readonly outcome: PatternOutcome | null;
}

/** @throws RangeError when it is not a vector that `shapeOf` makes: wrong length, not finite, or not of length 1. */
export function checkVector(vector: Float32Array): void {
  if (vector.length !== SHAPE_DIMENSIONS) {
    throw new RangeError(`a pattern has ${SHAPE_DIMENSIONS} numbers; this one has ${vector.length}`);
  }
  // NaN fails every comparison
  const squares = productOf(vector, vector);
  if (!(Math.abs(squares - 1) < 1e-3)) {
    throw new RangeError(`a pattern is a vector of length 1; the square of this one's is ${squares}`);
  }
}

/** Cosine of two vectors of length 1, summed in double precision: -1 to 1. */
export function similarityOf(a: Float32Array, b: Float32Array): number {
  return Math.min(1, Math.max(-1, productOf(a, b)));
}

function productOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
