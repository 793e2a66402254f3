import type { MessageOf } from '../protocol/messages.js';

/** What patterns are to be like: a series of 2 to 10,000 numbers, or the pattern of a task. */
export type PatternQuery = (
  | { readonly series?: ArrayLike<number>; readonly taskId?: never }
  | { readonly taskId: string; readonly series?: never }
) & {
  /** Patterns at most, 0 to 100; default 10. */
  readonly limit?: number;
};

/** A pattern that was looked for before, with its likeness (correlation of the shapes, -1 to 1) and what came of it. */
export type SimilarPattern = MessageOf<'PatternsReport'>['similar'][number];

/** How many patterns are kept, and those that were asked for. */
export interface PatternReport {
  /** Which pattern store it is. */
  readonly store: string;
  /** How many are kept. */
  readonly patterns: number;
  /** Of them, those whose outcome is known. */
  readonly withOutcome: number;
  /** The most similar first. */
  readonly similar: readonly SimilarPattern[];
}

export function patternsBody({
  series,
  taskId,
  limit,
}: PatternQuery): Omit<MessageOf<'QueryPatterns'>, 'requestId'> {
  return {
    type: 'QueryPatterns',
    ...(series === undefined ? {} : { series: Array.from(series) }),
    ...(taskId === undefined ? {} : { taskId }),
    ...(limit === undefined ? {} : { limit }),
  };
}
