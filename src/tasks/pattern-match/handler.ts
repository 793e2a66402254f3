import type { TaskContext } from '../kind.js';
import { parsePatternMatchInput } from './input.js';
import { match, type PatternMatches } from './match.js';

/** Result of a `pattern-match` task. */
export interface PatternMatchOutput extends PatternMatches {
  /** Time in the matching itself, without checking the input, in milliseconds. */
  readonly computeTimeMs: number;
}

/** Progress is reported when at least this much more is done. */
const PROGRESS_STEP = 0.01;

/** The handler of `pattern-match`. Synchronous: it looks at the context's abort every few milliseconds. */
export function patternMatch(input: unknown, context: TaskContext): PatternMatchOutput {
  const parsed = parsePatternMatchInput(input);
  const startedAt = performance.now();
  let reported = 0;
  const matches = match(parsed, (fraction) => {
    context.throwIfAborted();
    if (fraction < reported + PROGRESS_STEP) return;
    reported = fraction;
    context.progress(fraction);
  });
  return { ...matches, computeTimeMs: performance.now() - startedAt };
}
