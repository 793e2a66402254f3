import { describe, finiteNumber, integer, objectWith, oneOf } from '../checks.js';
import { TaskInputError } from '../kind.js';
import {
  type ClusterOptions,
  DISTANCES,
  type LcsOptions,
  LINKAGES,
  MEASURES,
  type Method,
  type SubsetOptions,
  SYMBOLS,
} from './options.js';

/** Parts of an equal division that have a name of their own. */
const MAX_QUANTILES = 64;
const MAX_PERMUTATIONS = 10_000;
const MAX_SEED = 2 ** 32 - 1;
/** Above every distance there is. */
const MAX_THRESHOLD = 2;

export function parseLcs(value: unknown, points: number): LcsOptions {
  const fields = objectWith(value ?? {}, 'lcs', [
    'symbols',
    'threshold',
    'quantiles',
    'permutations',
    'seed',
  ]);
  const quantiles = integer(fields['quantiles'] ?? Math.min(3, points), 'lcs.quantiles', 2, MAX_QUANTILES);
  if (quantiles > points) {
    throw new TaskInputError(
      'lcs.quantiles',
      `is ${quantiles}, more than the ${points} values of each strategy`,
    );
  }
  return {
    symbols: oneOf(fields['symbols'] ?? 'threshold', 'lcs.symbols', SYMBOLS),
    threshold: finiteNumber(fields['threshold'] ?? 0, 'lcs.threshold', 0, Number.MAX_VALUE),
    quantiles,
    permutations: integer(fields['permutations'] ?? 0, 'lcs.permutations', 0, MAX_PERMUTATIONS),
    seed: integer(fields['seed'] ?? 1, 'lcs.seed', 0, MAX_SEED),
  };
}

/** @param size strategies of the input */
export function parseClusters(
  value: unknown,
  methods: readonly Method[],
  size: number,
): ClusterOptions | null {
  if (value === undefined) return null;
  const fields = objectWith(value, 'clusters', ['method', 'distance', 'linkage', 'k', 'threshold']);
  const k = fields['k'] ?? null;
  const threshold = fields['threshold'] ?? null;
  if ((k === null) === (threshold === null)) {
    const fault = k === null ? 'needs k or threshold' : 'cannot have both k and threshold';
    throw new TaskInputError(
      'clusters',
      `${fault}: k says how many clusters, threshold how far apart they are`,
    );
  }
  return {
    method: parseMethod(fields['method'], 'clusters.method', methods),
    distance: oneOf(fields['distance'] ?? 'correlation', 'clusters.distance', DISTANCES),
    linkage: oneOf(fields['linkage'] ?? 'average', 'clusters.linkage', LINKAGES),
    k: k === null ? null : count(k, 'clusters.k', 1, size),
    threshold: threshold === null ? null : finiteNumber(threshold, 'clusters.threshold', 0, MAX_THRESHOLD),
  };
}

/** A number is short for an object with that `k`. */
export function parseSubset(value: unknown, methods: readonly Method[], size: number): SubsetOptions | null {
  if (value === undefined) return null;
  const short = typeof value === 'number';
  const fields = objectWith(short ? { k: value } : value, 'subset', ['k', 'method', 'measure']);
  return {
    k: count(fields['k'] ?? undefined, short ? 'subset' : 'subset.k', 2, size),
    method: parseMethod(fields['method'], 'subset.method', methods),
    measure: oneOf(fields['measure'] ?? 'absolute', 'subset.measure', MEASURES),
  };
}

function count(value: unknown, path: string, minimum: number, size: number): number {
  const k = integer(value, path, minimum, Number.MAX_SAFE_INTEGER);
  if (k > size) throw new TaskInputError(path, `is ${k}, but there are ${size} strategies`);
  return k;
}

function parseMethod(value: unknown, path: string, methods: readonly Method[]): Method {
  const chosen = methods.find((method) => method === (value ?? methods[0]));
  if (chosen === undefined) {
    throw new TaskInputError(
      path,
      `must be one of methods (${methods.join(', ')}); it is ${describe(value)}`,
    );
  }
  return chosen;
}
