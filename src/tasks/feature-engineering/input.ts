import { describe, flag, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { type NamedFeature, type Plan, planFeature } from './features.js';
import { type Missing, MISSING } from './gaps.js';
import { checkMovement } from './movement.js';
import { checkPositive, type Columns, parseColumns } from './ohlcv.js';

/** Features of one input. */
export const MAX_FEATURES = 256;
/** Rows times columns of the result: 240 MB. */
export const MAX_CELLS = 30_000_000;

const FIELDS = ['ohlcv', 'features', 'missing', 'checkCandles'] as const;

/** Input of a `feature-engineering` task in wire form: number lists as Float64Array, defaults filled in. */
export interface FeatureEngineeringInput {
  readonly ohlcv: Columns;
  readonly features: readonly NamedFeature[];
  readonly missing: Missing;
  readonly checkCandles: boolean;
}

/** An input, and what is to be computed of it. */
export interface PlannedInput {
  readonly input: FeatureEngineeringInput;
  readonly plans: readonly Plan[];
  readonly rows: number;
}

/**
 * Checks an input from JSON or from the wire and fills the defaults in. A field that is null counts as not given.
 * Idempotent: its result passes unchanged.
 *
 * @throws TaskInputError at the first fault, with the path of the field or element.
 */
export function parseFeatureEngineeringInput(value: unknown): FeatureEngineeringInput {
  return planInput(value).input;
}

/** parseFeatureEngineeringInput, with the plan of each feature beside it. */
export function planInput(value: unknown): PlannedInput {
  const fields = objectWith(value, '', FIELDS);
  const missing = oneOf(fields['missing'] ?? 'fail', 'missing', MISSING);
  const checkCandles = flag(fields['checkCandles'] ?? true, 'checkCandles');
  const plans = planFeatures(fields['features']);
  const { columns, rows } = parseColumns(fields['ohlcv'], { missing, checkCandles });
  for (const [index, plan] of plans.entries()) checkPlan(plan, `features[${index}]`, columns, rows);
  checkSize(plans, rows);
  const features = plans.map(({ feature }) => feature);
  return { input: { ohlcv: columns, features, missing, checkCandles }, plans, rows };
}

function planFeatures(value: unknown): Plan[] {
  if (!Array.isArray(value)) {
    throw new TaskInputError('features', `must be a list of features; it is ${describe(value)}`);
  }
  if (value.length === 0) throw new TaskInputError('features', 'is empty; give at least one feature');
  if (value.length > MAX_FEATURES) {
    throw new TaskInputError(
      'features',
      `has ${value.length} elements; at most ${MAX_FEATURES} are accepted`,
    );
  }
  const makers = new Map<string, string>();
  return Array.from(value, (element: unknown, index) => {
    const path = `features[${index}]`;
    const plan = planFeature(element, path);
    for (const column of plan.outputs) {
      const maker = makers.get(column);
      if (maker !== undefined) {
        throw new TaskInputError(
          plan.feature.as === null ? path : `${path}.as`,
          `makes the column '${column}', which ${maker} makes too; remove one, or name its columns with as`,
        );
      }
      makers.set(column, path);
    }
    return plan;
  });
}

/** What must hold of a feature and the columns together. */
function checkPlan(
  { feature, inputs, positive, movement, ...plan }: Plan,
  path: string,
  columns: Columns,
  rows: number,
): void {
  const user = `${path} (${feature.name})`;
  for (const input of inputs) {
    if (columns[input] === undefined)
      throw new TaskInputError(`ohlcv.${input}`, `is missing; ${user} needs it`);
  }
  if (plan.rows > rows) {
    throw new TaskInputError(
      plan.rowsBecauseOf === null ? path : `${path}.${plan.rowsBecauseOf}`,
      `asks for at least ${plan.rows} rows with these parameters; ohlcv has ${rows}`,
    );
  }
  if (positive !== null) checkPositive(columns, positive, user);
  if (movement !== null) checkMovement(movement, columns, user);
}

function checkSize(plans: readonly Plan[], rows: number): void {
  const columns = plans.reduce((sum, { outputs }) => sum + outputs.length, 0);
  if (columns * rows <= MAX_CELLS) return;
  throw new TaskInputError(
    'features',
    `make ${columns} columns of ${rows} rows, more than the ${MAX_CELLS} numbers that are accepted; split the task`,
  );
}
