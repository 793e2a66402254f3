import { describe, flag, integer, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import { parseClusters, parseLcs, parseSubset } from './input-options.js';
import { checkComparable, parseStrategies } from './input-series.js';
import {
  type ClusterOptions,
  CONSTANT,
  type Constant,
  type LcsOptions,
  type Method,
  METHODS,
  type Missing,
  MISSING,
  type SubsetOptions,
  type Transform,
  TRANSFORMS,
} from './options.js';

/** Strategies in one input. */
export const MAX_STRATEGIES = 2000;
/** Numbers in all lists of a result together: with their rows they fit into one message of 64 MiB. */
export const MAX_RESULT_NUMBERS = 6_000_000;
/** Rows of matrices in a result: each is an array of its own. */
export const MAX_RESULT_ROWS = 200_000;
const MAX_ID_LENGTH = 128;

const FIELDS = [
  'strategyIds',
  'strategies',
  'methods',
  'transform',
  'missing',
  'constant',
  'pValues',
  'lcs',
  'window',
  'step',
  'maxLag',
  'lagFunctions',
  'clusters',
  'subset',
] as const;

/** Input of a `strategy-correlation` task in wire form: number lists as Float64Array, defaults filled in. */
export interface StrategyCorrelationInput {
  /** One for each strategy, each different. */
  readonly strategyIds: readonly string[];
  /** One series for each strategy, all equally long; NaN where a point is missing. */
  readonly strategies: readonly Float64Array[];
  /** At least one, each once. */
  readonly methods: readonly Method[];
  readonly transform: Transform;
  readonly missing: Missing;
  readonly constant: Constant;
  readonly pValues: boolean;
  readonly lcs: LcsOptions;
  /** Values of a rolling window; null for none. */
  readonly window: number | null;
  /** Values from one window to the next. */
  readonly step: number;
  /** Largest lag of the cross-correlation; null for none. */
  readonly maxLag: number | null;
  /** Return the whole cross-correlation function of each pair. */
  readonly lagFunctions: boolean;
  readonly clusters: ClusterOptions | null;
  readonly subset: SubsetOptions | null;
}

/**
 * Checks an input from JSON or from the wire and fills the defaults in. A field that is null counts as not given.
 * Idempotent: its result passes unchanged.
 *
 * @throws TaskInputError at the first fault, with the path of the field or element.
 */
export function parseStrategyCorrelationInput(value: unknown): StrategyCorrelationInput {
  const fields = objectWith(value, '', FIELDS);
  const strategyIds = parseIds(fields['strategyIds'] ?? undefined);
  const transform = oneOf(fields['transform'] ?? 'none', 'transform', TRANSFORMS);
  const missing = oneOf(fields['missing'] ?? 'pairwise', 'missing', MISSING);
  const methods = parseMethods(fields['methods'] ?? undefined);
  const strategies = parseStrategies(
    fields['strategies'] ?? undefined,
    strategyIds.length,
    transform,
    missing,
  );
  const constant = oneOf(fields['constant'] ?? 'fail', 'constant', CONSTANT);
  const points = (strategies[0]?.length ?? 0) - (transform === 'none' ? 0 : 1);
  const input: StrategyCorrelationInput = {
    strategyIds,
    strategies,
    methods,
    transform,
    missing,
    constant,
    pValues: flag(fields['pValues'] ?? true, 'pValues'),
    lcs: parseLcs(fields['lcs'] ?? undefined, points),
    window: parseWindow(fields['window'] ?? undefined, points),
    step: integer(fields['step'] ?? 1, 'step', 1, Number.MAX_SAFE_INTEGER),
    maxLag: parseMaxLag(fields['maxLag'] ?? undefined, points),
    lagFunctions: flag(fields['lagFunctions'] ?? false, 'lagFunctions'),
    clusters: parseClusters(fields['clusters'] ?? undefined, methods, strategyIds.length),
    subset: parseSubset(fields['subset'] ?? undefined, methods, strategyIds.length),
  };
  if (input.lagFunctions && input.maxLag === null) {
    throw new TaskInputError('lagFunctions', 'needs maxLag, the largest lag to look at');
  }
  checkResultSize(input, points);
  if (constant === 'fail') {
    // To the longest common subsequence a constant is a string like any other.
    const varies = methods.some((method) => method !== 'lcs');
    checkComparable(strategies, transform, missing, varies);
  }
  return input;
}

function parseIds(value: unknown): readonly string[] {
  if (!Array.isArray(value)) {
    throw new TaskInputError(
      'strategyIds',
      `must be a list of names, one for each strategy; it is ${describe(value)}`,
    );
  }
  const list: readonly unknown[] = value;
  if (list.length < 2) {
    const fault = list.length === 0 ? 'is empty' : 'has 1 element';
    throw new TaskInputError('strategyIds', `${fault}; a correlation takes at least 2 strategies`);
  }
  if (list.length > MAX_STRATEGIES) {
    throw new TaskInputError(
      'strategyIds',
      `has ${list.length} elements; at most ${MAX_STRATEGIES} are accepted`,
    );
  }
  const seen = new Map<string, number>();
  // Not `map`, which skips the holes of a list.
  return Array.from(list, (id, index) => {
    const path = `strategyIds[${index}]`;
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH || /\p{Surrogate}/u.test(id)) {
      throw new TaskInputError(
        path,
        `must be text of 1 to ${MAX_ID_LENGTH} characters; it is ${describe(id)}`,
      );
    }
    const first = seen.get(id);
    if (first !== undefined)
      throw new TaskInputError(path, `is ${describe(id)}, as strategyIds[${first}] is; give each its own`);
    seen.set(id, index);
    return id;
  });
}

function parseMethods(value: unknown): readonly Method[] {
  if (value === undefined) return ['pearson'];
  if (!Array.isArray(value))
    throw new TaskInputError('methods', `must be a list of methods; it is ${describe(value)}`);
  if (value.length === 0) throw new TaskInputError('methods', 'is empty; give at least one method');
  const methods: Method[] = [];
  for (const [index, name] of value.entries()) {
    const method = oneOf(name, `methods[${index}]`, METHODS);
    if (methods.includes(method))
      throw new TaskInputError(`methods[${index}]`, `is '${method}' once more; give each method once`);
    methods.push(method);
  }
  return methods;
}

function parseWindow(value: unknown, points: number): number | null {
  if (value === undefined) return null;
  const window = integer(value, 'window', 3, Number.MAX_SAFE_INTEGER);
  if (window > points) {
    throw new TaskInputError('window', `is ${window}, larger than the ${points} values of each strategy`);
  }
  return window;
}

function parseMaxLag(value: unknown, points: number): number | null {
  if (value === undefined) return null;
  const maxLag = integer(value, 'maxLag', 0, Number.MAX_SAFE_INTEGER);
  if (maxLag > points - 3) {
    throw new TaskInputError(
      'maxLag',
      `is ${maxLag}, too large for ${points} values: at most ${points - 3} leaves 3 points to correlate`,
    );
  }
  return maxLag;
}

/** Everything a result holds is known before anything is computed. */
function checkResultSize(input: StrategyCorrelationInput, points: number): void {
  const { methods, window, step, maxLag, pValues, lcs } = input;
  const size = input.strategies.length;
  const cells = size * size;
  const tests = pValues ? methods.filter((method) => method !== 'lcs' || lcs.permutations > 0).length : 0;
  const windows = window === null ? 0 : Math.floor((points - window) / step) + 1;
  const functions = input.lagFunctions ? ((size * (size - 1)) / 2) * (2 * (maxLag ?? 0) + 1) : 0;
  let left = MAX_RESULT_NUMBERS - cells * (methods.length + tests + (maxLag === null ? 1 : 3));
  const over = (path: string, what: string, advice: string): TaskInputError =>
    new TaskInputError(path, `${what} bring the result over ${MAX_RESULT_NUMBERS} numbers; ${advice}`);
  if (left < 0)
    throw over(
      'strategies',
      `the matrices of ${size} strategies`,
      'give fewer strategies or methods, or pValues: false',
    );
  left -= windows * cells * methods.length;
  if (left < 0 || windows * size * methods.length > MAX_RESULT_ROWS) {
    throw over('window', `the matrices of ${windows} windows`, 'use a larger step');
  }
  left -= functions;
  if (left < 0)
    throw over('lagFunctions', `the functions of all pairs`, 'use a smaller maxLag or lagFunctions: false');
}
