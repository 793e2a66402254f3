/** Own handlers in TypeScript: a function of `compute`, and a kind of their own. README.md says how they are run. */
import type { TaskContext } from 'quic-swarm';

interface RiskInput {
  /** Of one period each; 0.01 is 1 %. */
  readonly returns: readonly number[];
  /** Periods ahead. */
  readonly horizon: number;
  /** 0.95: the loss that 5 % of the paths exceed. */
  readonly confidence: number;
  readonly paths: number;
  readonly seed: number;
}

/** No attempt would fare better: it is not tried again. */
function badInput(path: string, problem: string): Error {
  return Object.assign(new Error(`${path}: ${problem}`), { name: 'BadInput', retryable: false });
}

function numberIn(value: unknown, path: string, low: number, high: number): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw badInput(path, `must be a number from ${low} to ${high}; it is ${JSON.stringify(value)}`);
}

/** What came over the wire may be anything. Lists of numbers come as lists or as Float64Array. */
function parseRisk(input: unknown): RiskInput {
  if (typeof input !== 'object' || input === null) throw badInput('input', 'must be an object');
  const fields = new Map(Object.entries(input));
  const given: unknown = fields.get('returns');
  if (!(Array.isArray(given) || given instanceof Float64Array) || given.length < 2) {
    throw badInput('returns', 'must be a list of at least 2 numbers');
  }
  return {
    returns: Array.from(given, (value: unknown, i) => numberIn(value, `returns[${i}]`, -1, 10)),
    horizon: numberIn(fields.get('horizon') ?? 10, 'horizon', 1, 1000),
    confidence: numberIn(fields.get('confidence') ?? 0.95, 'confidence', 0.5, 0.999),
    paths: numberIn(fields.get('paths') ?? 10_000, 'paths', 100, 10_000_000),
    seed: numberIn(fields.get('seed') ?? 1, 'seed', 0, 2 ** 32 - 1),
  };
}

/** Value at risk and expected shortfall over the horizon, by drawing from the returns that were. Losses are positive. */
function valueAtRisk({ returns, horizon, confidence, paths, seed }: RiskInput, context: TaskContext) {
  const random = mulberry32(seed);
  const losses = new Float64Array(paths);
  for (let path = 0; path < paths; path++) {
    if (path % 1000 === 0) {
      context.throwIfAborted(); // cancelled, or timed out
      context.progress(path / paths, `path ${path} of ${paths}`);
    }
    let value = 1;
    for (let step = 0; step < horizon; step++)
      value *= 1 + (returns[Math.floor(random() * returns.length)] ?? 0);
    losses[path] = 1 - value;
  }
  losses.sort();
  const tail = losses.subarray(Math.floor(confidence * paths));
  return {
    valueAtRisk: tail[0] ?? 0,
    expectedShortfall: tail.reduce((sum, loss) => sum + loss, 0) / tail.length,
    paths,
  };
}

/** Random numbers from 0 to 1, the same for the same seed: another attempt gives the same result. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const functions = {
  'value-at-risk': (input: unknown, context: TaskContext) => valueAtRisk(parseRisk(input), context),
};

export const kinds = {
  // Goes to agents that have this file alone, while a function of compute may go to any.
  'portfolio-risk': {
    parseInput: (input: unknown) => parseRisk(input),
    handler: (input: RiskInput, context: TaskContext) => valueAtRisk(input, context),
  },
};
