import type { TaskContext } from '../kind.js';
import { compute } from './compute.js';
import { planInput } from './input.js';

/** Result of a `feature-engineering` task. */
export interface FeatureEngineeringOutput {
  readonly rows: number;
  /** By name, in the order of the features; each has `rows` numbers, NaN (in JSON null) where there is no value. */
  readonly columns: Readonly<Record<string, Float64Array>>;
}

/**
 * The handler of `feature-engineering`. Synchronous: it looks at the context's abort before each feature, of which one takes
 * a fraction of a second even at the greatest number of rows.
 */
export function featureEngineering(input: unknown, context: TaskContext): FeatureEngineeringOutput {
  const { input: parsed, plans, rows } = planInput(input);
  const columns: Record<string, Float64Array> = {};
  for (const [index, { feature, outputs }] of plans.entries()) {
    context.throwIfAborted();
    for (const [part, values] of compute(feature, parsed.ohlcv).entries()) {
      const name = outputs[part];
      if (name !== undefined) columns[name] = values;
    }
    context.progress((index + 1) / plans.length, feature.name);
  }
  return { rows, columns };
}
