import type { TaskContext } from '../kind.js';
import { parsePatternTask } from './input.js';
import { match, matchStream, type PatternMatches, type PatternStreamMatches } from './match.js';

/** Result of a `pattern-match` task. */
export interface PatternMatchOutput extends PatternMatches {
  /** Time in the matching itself, without checking the input, in milliseconds. */
  readonly computeTimeMs: number;
}

/** Result of a `pattern-match` task with `windows`. */
export interface PatternStreamOutput extends PatternStreamMatches {
  readonly computeTimeMs: number;
}

/** Progress is reported when at least this much more is done. */
const PROGRESS_STEP = 0.01;

/** The handler of `pattern-match`. Synchronous: it looks at the context's abort every few milliseconds. */
export function patternMatch(input: unknown, context: TaskContext): PatternMatchOutput | PatternStreamOutput {
  const parsed = parsePatternTask(input);
  const startedAt = performance.now();
  let reported = 0;
  const pause = (fraction: number) => {
    context.throwIfAborted();
    if (fraction < reported + PROGRESS_STEP) return;
    reported = fraction;
    context.progress(fraction);
  };
  const matches = 'windows' in parsed ? matchStream(parsed, pause) : match(parsed, pause);
  return { ...matches, computeTimeMs: performance.now() - startedAt };
}
