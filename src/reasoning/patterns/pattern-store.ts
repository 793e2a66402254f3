import type { Pattern, PatternOutcome } from './pattern.js';

/** A pattern found, with its likeness. */
export interface NearPattern {
  readonly pattern: Pattern;
  /** Cosine of the two vectors, which is Pearson's correlation of the two shapes: -1 to 1. */
  readonly similarity: number;
}

/** How many patterns a store keeps. */
export interface PatternCounts {
  readonly patterns: number;
  /** Of them, those whose outcome is known. */
  readonly withOutcome: number;
}

/**
 * Keeps patterns with what came of them, and finds those most like another one. Bounded: of the patterns with an outcome
 * and those without, the oldest of the larger group makes room. What is put is found at once, and durable soon after, or at
 * the latest with `flush` and `close`: a crash may lose the last moments.
 */
export interface PatternStore {
  readonly name: 'built-in' | 'agentdb';

  /** Takes up what was kept. Once; what is asked meanwhile waits. Rejects when nothing can be read. */
  start(): Promise<void>;

  /**
   * Keeps a pattern, over the one of the same task. Of a burst only so many are taken: looking back needs examples, not all.
   * @throws RangeError for a vector that `shapeOf` does not make.
   */
  put(pattern: Pattern): void;

  /** What came of a pattern. Of one that is not kept, or has an outcome, it changes nothing. */
  report(taskId: string, outcome: PatternOutcome): void;

  get(taskId: string): Promise<Pattern | null>;

  /**
   * The `count` patterns most like a vector, best first; of equal ones the older. Candidates may come from an approximate
   * index; how similar they are, and so their order, is computed from their vectors.
   * @throws RangeError for a vector that `shapeOf` does not make.
   */
  search(vector: Float32Array, count: number): Promise<readonly NearPattern[]>;

  counts(): Promise<PatternCounts>;

  /** Resolves when what was put and reported is durable. */
  flush(): Promise<void>;

  close(): Promise<void>;
}
