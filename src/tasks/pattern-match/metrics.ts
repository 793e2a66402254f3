import { type DtwCost, toDistance, WarpingCost } from './dtw.js';
import { directions } from './lcs.js';
import { CommonSubsequence } from './lcss.js';
import { costLimit, endsBound, type Envelope, envelope, envelopeBound } from './lower-bounds.js';
import type { MetricOptions } from './options.js';
import { dtwSimilarity, lcssDistance, lcssSimilarity } from './similarity.js';
import type { WorkMeter } from './work-meter.js';

/** Compares candidates with the query it was made for. Reads a candidate, never keeps it. */
export interface Comparator {
  /** 0 or more, smaller is closer. Exact when it is less than `bound`; otherwise some value of `bound` or more. */
  distance(candidate: Float64Array, bound: number): number;
  /** Similarity, 0 to 1, of a distance to a candidate of so many points; falls as the distance grows. */
  similarity(distance: number, candidatePoints: number): number;
}

/** The comparator of a metric. `longest`: points of the longest candidate it will see. A new metric gets its case here. */
export function comparatorFor(
  query: Float64Array,
  options: MetricOptions,
  longest: number,
  meter: WorkMeter,
): Comparator {
  switch (options.metric) {
    case 'dtw':
      return new DtwComparator(query, options, longest, meter);
    case 'lcss':
      return new SubsequenceComparator(query, options, meter);
    case 'lcs':
      return options.symbols === 'values'
        ? new SubsequenceComparator(query, options, meter)
        : new DirectionComparator(query, options, meter);
  }
}

/** The cheap bounds first, the table last: each throws out what cannot come under the bound (Rakthanmanon et al. 2012). */
class DtwComparator implements Comparator {
  readonly #query: Float64Array;
  readonly #cost: DtwCost;
  readonly #envelope: Envelope;
  readonly #warping: WarpingCost;
  readonly #restFrom: Float64Array;

  constructor(query: Float64Array, { cost, window }: MetricOptions, longest: number, meter: WorkMeter) {
    this.#query = query;
    this.#cost = cost;
    this.#envelope = envelope(query, window, longest);
    this.#warping = new WarpingCost(query, cost, window, meter);
    this.#restFrom = new Float64Array(longest);
  }

  distance(candidate: Float64Array, bound: number): number {
    const limit = costLimit(bound, this.#cost);
    if (endsBound(this.#query, candidate, this.#cost) >= limit) return Infinity;
    if (envelopeBound(this.#envelope, candidate, this.#cost, limit, this.#restFrom) >= limit) return Infinity;
    return toDistance(this.#warping.of(candidate, limit, this.#restFrom), this.#cost);
  }

  similarity(distance: number): number {
    return dtwSimilarity(distance, this.#query.length, this.#cost);
  }
}

/** The tolerance of the shortest length worth knowing; lengths are whole, so anything well under 1 and over rounding does. */
const LENGTH_TOLERANCE = 1e-6;

class SubsequenceComparator implements Comparator {
  readonly #points: number;
  readonly #common: CommonSubsequence;

  constructor(
    query: Float64Array,
    { epsilon, delta }: Pick<MetricOptions, 'epsilon' | 'delta'>,
    meter: WorkMeter,
  ) {
    this.#points = query.length;
    this.#common = new CommonSubsequence(query, epsilon, delta, meter);
  }

  distance(candidate: Float64Array, bound: number): number {
    const shorter = Math.min(this.#points, candidate.length);
    const needed = shorter - bound * shorter - LENGTH_TOLERANCE;
    return lcssDistance(this.#common.of(candidate, needed), shorter);
  }

  similarity(distance: number, candidatePoints: number): number {
    return lcssSimilarity(distance, Math.min(this.#points, candidatePoints));
  }
}

/** Compares movements: both series as strings of up, down and flat, where epsilon is what counts as flat. */
class DirectionComparator implements Comparator {
  readonly #strings: SubsequenceComparator;
  readonly #epsilon: number;
  #symbols = new Float64Array(0);

  constructor(query: Float64Array, { epsilon, delta }: MetricOptions, meter: WorkMeter) {
    const symbols = new Float64Array(query.length - 1);
    directions(query, epsilon, symbols);
    this.#strings = new SubsequenceComparator(symbols, { epsilon: 0, delta }, meter);
    this.#epsilon = epsilon;
  }

  distance(candidate: Float64Array, bound: number): number {
    if (this.#symbols.length !== candidate.length - 1) this.#symbols = new Float64Array(candidate.length - 1);
    directions(candidate, this.#epsilon, this.#symbols);
    return this.#strings.distance(this.#symbols, bound);
  }

  similarity(distance: number, candidatePoints: number): number {
    return this.#strings.similarity(distance, candidatePoints - 1);
  }
}
