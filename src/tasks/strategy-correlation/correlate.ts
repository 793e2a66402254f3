import { type Clusters, clusters, clustersCost } from './clusters.js';
import { type Coefficients, coefficients, coefficientsCost } from './coefficients.js';
import type { StrategyCorrelationInput } from './input.js';
import { type LeadLag, leadLag, leadLagCost } from './lead-lag.js';
import type { Matrix } from './matrix.js';
import type { Method } from './options.js';
import { type Rolling, rolling, rollingCost, windowCount } from './rolling.js';
import { leastCorrelated, type Subset, subsetCost } from './subset.js';
import { commonPoints, type Table, tableOf, valuesOf } from './table.js';
import { Work } from './work.js';

/** What the strategies have in common. Rows and columns of matrices are in the order of `strategyIds`; NaN where a value does not exist. */
export interface StrategyCorrelations {
  readonly strategyIds: readonly string[];
  readonly methods: readonly Method[];
  /** Points in time at which any strategy has a value to correlate. */
  readonly points: number;
  /** Points that each pair has in common; null when all have all `points`. */
  readonly observations: readonly Int32Array[] | null;
  readonly matrix: Partial<Record<Method, Matrix>>;
  /** Null for a method without p-values. */
  readonly pValues: Partial<Record<Method, Matrix | null>>;
  readonly rolling: Rolling | null;
  readonly leadLag: LeadLag | null;
  readonly clusters: Clusters | null;
  readonly subset: Subset | null;
}

/**
 * Computes everything an input asks for. Pure, but for `pause`: it is called every few milliseconds with the fraction
 * done, and may throw to give up.
 */
export function correlate(
  input: StrategyCorrelationInput,
  pause?: (fraction: number) => void,
): StrategyCorrelations {
  const { strategyIds, methods } = input;
  const values = valuesOf(input.strategies, input.transform, input.missing);
  const table = tableOf(values);
  const plan = costs(input, values, table);
  const work = new Work(
    plan.methods.reduce((sum, cost) => sum + cost, 0) +
      plan.rolling +
      plan.leadLag +
      plan.clusters +
      plan.subset,
    pause,
  );
  const common = commonPoints(table);
  const found = new Map<Method, Coefficients>();
  methods.forEach((method, index) => {
    const run = () => coefficients(method, table, common, input, work);
    found.set(method, work.stage(plan.methods[index] ?? 0, run));
  });
  const matrixOf = (method: Method): Matrix => found.get(method)?.matrix ?? [];
  const { window, step, maxLag } = input;
  const offset = input.transform === 'none' ? 0 : 1;
  return {
    strategyIds,
    methods,
    points: table.points,
    observations: common,
    matrix: Object.fromEntries(methods.map((method) => [method, matrixOf(method)])),
    pValues: Object.fromEntries(methods.map((method) => [method, found.get(method)?.pValues ?? null])),
    rolling:
      window === null
        ? null
        : work.stage(plan.rolling, () => rolling(values, offset, window, step, methods, input, work)),
    leadLag:
      maxLag === null
        ? null
        : work.stage(plan.leadLag, () => leadLag(tableInTime(values), maxLag, input.lagFunctions, work)),
    clusters: orNull(input.clusters, (options) =>
      work.stage(plan.clusters, () => clusters(matrixOf(options.method), options, work)),
    ),
    subset: orNull(input.subset, (options) =>
      work.stage(plan.subset, () => leastCorrelated(strategyIds, matrixOf(options.method), options, work)),
    ),
  };
}

function orNull<T, R>(value: T | null, map: (value: T) => R): R | null {
  return value === null ? null : map(value);
}

/** A table that keeps the points at which all are missing: lags count time. */
function tableInTime(rows: readonly Float64Array[]): Table {
  return { rows, points: rows[0]?.length ?? 0, complete: rows.map((row) => !row.includes(NaN)) };
}

interface Costs {
  readonly methods: readonly number[];
  readonly rolling: number;
  readonly leadLag: number;
  readonly clusters: number;
  readonly subset: number;
}

function costs(input: StrategyCorrelationInput, values: readonly Float64Array[], table: Table): Costs {
  const { methods, window, step, maxLag, subset } = input;
  const size = values.length;
  const complete = table.complete.filter((whole) => whole).length;
  const windows = window === null ? 0 : windowCount(values[0]?.length ?? 0, window, step);
  return {
    methods: methods.map((method) => coefficientsCost(method, size, table.points, complete, input)),
    rolling: rollingCost(size, complete, windows, window ?? 0, methods, input),
    leadLag: maxLag === null ? 0 : leadLagCost(size, complete, table.points, maxLag),
    clusters: input.clusters === null ? 0 : clustersCost(size),
    subset: subset === null ? 0 : subsetCost(size, subset.k),
  };
}
