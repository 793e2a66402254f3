import type { TaskContext } from '../kind.js';
import { correlate, type StrategyCorrelations } from './correlate.js';
import { parseStrategyCorrelationInput } from './input.js';

/** Result of a `strategy-correlation` task. */
export interface StrategyCorrelationOutput extends StrategyCorrelations {
  /** Time in the correlation itself, without checking the input, in milliseconds. */
  readonly computeTimeMs: number;
}

/** Progress is reported when at least this much more is done. */
const PROGRESS_STEP = 0.01;

/** The handler of `strategy-correlation`. Synchronous: it looks at the context's abort every few milliseconds. */
export function strategyCorrelation(input: unknown, context: TaskContext): StrategyCorrelationOutput {
  const parsed = parseStrategyCorrelationInput(input);
  const startedAt = performance.now();
  let reported = 0;
  const found = correlate(parsed, (fraction) => {
    context.throwIfAborted();
    if (fraction < reported + PROGRESS_STEP) return;
    reported = fraction;
    context.progress(fraction);
  });
  return { ...found, computeTimeMs: performance.now() - startedAt };
}
