import { at } from '../at.js';
import { type DtwCost, sizeOf, toDistance, WarpingCost } from './dtw.js';
import { type Envelope, envelope } from './lower-bounds.js';
import { zNormalize } from './normalize.js';
import { type Choice, equalUpTo, type Found, Selection } from './selection.js';
import { STATISTICS_ERROR, StretchStatistics } from './stretch-statistics.js';
import type { WorkMeter } from './work-meter.js';

export interface DtwSearch extends Choice {
  /** z-normalised already when `normalize` is on. */
  readonly query: Float64Array;
  readonly series: Float64Array;
  readonly normalize: boolean;
  readonly cost: DtwCost;
  /** Sakoe-Chiba radius, or null for none. */
  readonly window: number | null;
}

/**
 * Bounds add in another order than the table does: they may differ from the exact cost in their last digits. Limits are
 * made this much larger, so that nothing is given up that the exact cost would have kept.
 */
const LIMIT_SLACK = 1 + 1e-9;
/**
 * Bounds of normalised stretches are made with running statistics, so with points that are off by up to
 * STATISTICS_ERROR · (1 + |x|). Over n points with Σ x² = n that makes a distance smaller or greater by no more than so
 * many times STATISTICS_ERROR · √n (squared) or · n (absolute): 2 for the Euclidean distance, 1 + √2 for LB_Keogh, where the
 * envelope may stand for a query point, 4 for LB_Kim, where one point of the stretch may count six times.
 */
const STATISTICS_SLACK = 5;
/** Its square is not yet zero. */
const LEAST_BOUND = 1e-100;

/**
 * The k stretches of a series nearest to a query under DTW: the same as comparing every stretch in full. After the UCR
 * suite (Rakthanmanon et al. 2012): first the Euclidean distances, which are never less than DTW's, to know from the start what is near;
 * then for each stretch LB_Kim, LB_Keogh both ways in the order of the query's largest values, and the pruned table.
 */
export function searchDtw(task: DtwSearch, meter: WorkMeter): Found[] {
  const search = new SubsequenceSearch(task, meter);
  return search.run();
}

class SubsequenceSearch {
  readonly #task: DtwSearch;
  readonly #meter: WorkMeter;
  readonly #count: number;
  readonly #squared: boolean;
  /** What a distance from running statistics may be off by. */
  readonly #slack: number;
  /** Query indices, those of the largest magnitude first: they are the likeliest to cost. */
  readonly #order: Uint32Array;
  /** The query and its envelope in that order. */
  readonly #ordered: Float64Array;
  readonly #orderedLower: Float64Array;
  readonly #orderedUpper: Float64Array;
  readonly #ofSeries: Envelope;
  readonly #warping: WarpingCost;
  readonly #statistics: StretchStatistics;
  readonly #stretch: Float64Array;
  /** What each point costs at least, by the bound that was reached last. */
  readonly #least: Float64Array;
  readonly #leastBack: Float64Array;
  readonly #restFrom: Float64Array;
  #mean = 0;
  #scale = 1;

  constructor(task: DtwSearch, meter: WorkMeter) {
    const { query, series, cost, window, normalize } = task;
    const points = query.length;
    this.#task = task;
    this.#meter = meter;
    this.#count = Math.max(0, series.length - points + 1);
    this.#squared = cost === 'squared';
    this.#slack = normalize ? STATISTICS_SLACK * STATISTICS_ERROR * sizeOf(points, cost) : 0;
    this.#order = Uint32Array.from(query.keys()).sort(
      (a, b) => Math.abs(at(query, b)) - Math.abs(at(query, a)),
    );
    const radius = Math.min(window ?? points, points);
    const ofQuery = envelope(query, radius, points);
    const inOrder = (values: Float64Array) => Float64Array.from(this.#order, (index) => at(values, index));
    this.#ordered = inOrder(query);
    this.#orderedLower = inOrder(ofQuery.lower);
    this.#orderedUpper = inOrder(ofQuery.upper);
    this.#ofSeries = envelope(series, radius, series.length);
    this.#warping = new WarpingCost(query, cost, window, meter);
    this.#statistics = new StretchStatistics(series, points);
    this.#stretch = new Float64Array(points);
    this.#least = new Float64Array(points);
    this.#leastBack = new Float64Array(points);
    this.#restFrom = new Float64Array(points);
  }

  run(): Found[] {
    const { cost } = this.#task;
    const near = this.#seed();
    const selection = new Selection(this.#task);
    for (let position = 0; position < this.#count; position++) {
      // Over zero, also when the query itself occurs: the sums of the bounds may be.
      const bound = Math.max(Math.min(selection.bound, near), LEAST_BOUND);
      const limit = this.#costOf(bound) * LIMIT_SLACK;
      const accumulated = this.#costAt(position, limit, this.#costOf(bound + this.#slack) * LIMIT_SLACK);
      if (accumulated < limit) selection.offer(position, toDistance(accumulated, cost));
      this.#meter.fraction = 0.2 + (0.8 * position) / this.#count;
      this.#meter.add(8);
    }
    return selection.best();
  }

  /** The accumulated cost of a distance. */
  #costOf(distance: number): number {
    return this.#squared ? distance * distance : distance;
  }

  /** A distance that the result does not reach: over that of the witnesses of an easier search, by Euclidean distance. */
  #seed(): number {
    const { series, cost, scale: ofChoice } = this.#task;
    const selection = new Selection(this.#task);
    const ordered = this.#ordered;
    const order = this.#order;
    const squared = this.#squared;
    for (let position = 0; position < this.#count; position++) {
      if (!this.#normalizeAt(position)) continue;
      const mean = this.#mean;
      const scale = this.#scale;
      const limit = this.#costOf(selection.bound);
      let sum = 0;
      for (let n = 0; n < order.length && sum < limit; n++) {
        const difference = (at(series, position + (order[n] ?? 0)) - mean) * scale - at(ordered, n);
        sum += squared ? difference * difference : Math.abs(difference);
      }
      if (sum < limit) selection.offer(position, toDistance(sum, cost));
      this.#meter.fraction = (0.2 * position) / this.#count;
      this.#meter.add(8);
    }
    // What is equal to the witnesses' distance counts, and may be chosen before them.
    return equalUpTo((selection.bound + this.#slack) * LIMIT_SLACK, ofChoice);
  }

  /** Sets mean and scale for a stretch; false when they are not good enough for a bound. */
  #normalizeAt(position: number): boolean {
    if (!this.#task.normalize) return true;
    const statistics = this.#statistics;
    statistics.moveTo(position);
    this.#mean = statistics.mean;
    this.#scale = statistics.scale;
    return statistics.trusted;
  }

  /** The warping cost of a stretch: exact when it is less than `limit`, else `limit` or more; a bound of `wall` says so. */
  #costAt(position: number, limit: number, wall: number): number {
    const { series, normalize } = this.#task;
    const points = this.#stretch.length;
    const restFrom = this.#restFrom;
    if (!this.#normalizeAt(position)) restFrom.fill(0);
    else if (!this.#boundsAllow(position, wall)) return Infinity;
    if (normalize) zNormalize(series, position, points, this.#stretch);
    else for (let i = 0; i < points; i++) this.#stretch[i] = at(series, position + i);
    return this.#warping.of(this.#stretch, limit, restFrom);
  }

  /** Whether every bound is under the wall; fills `restFrom` if so. */
  #boundsAllow(position: number, wall: number): boolean {
    if (this.#endsBound(position, wall) >= wall) return false;
    const forth = this.#envelopeOfQuery(position, wall);
    if (forth >= wall) return false;
    const back = this.#envelopeOfSeries(position, wall);
    if (back >= wall) return false;
    this.#accumulate(back > forth);
    return true;
  }

  /**
   * LB_Kim at both ends: every alignment pairs the first points, then passes one of the three cells around the first
   * pair, then one of the five around those; and so at the other end.
   */
  #endsBound(position: number, wall: number): number {
    const { query, series } = this.#task;
    const last = query.length - 1;
    const mean = this.#mean;
    const scale = this.#scale;
    const x0 = (at(series, position) - mean) * scale;
    const q0 = at(query, 0);
    let sum = this.#pair(x0, q0);
    if (last === 0) return sum;
    const y0 = (at(series, position + last) - mean) * scale;
    const r0 = at(query, last);
    sum += this.#pair(y0, r0);
    if (sum >= wall || last < 5) return sum;
    const x1 = (at(series, position + 1) - mean) * scale;
    const q1 = at(query, 1);
    sum += Math.min(this.#pair(x1, q0), this.#pair(x0, q1), this.#pair(x1, q1));
    if (sum >= wall) return sum;
    const y1 = (at(series, position + last - 1) - mean) * scale;
    const r1 = at(query, last - 1);
    sum += Math.min(this.#pair(y1, r0), this.#pair(y0, r1), this.#pair(y1, r1));
    if (sum >= wall) return sum;
    const x2 = (at(series, position + 2) - mean) * scale;
    const q2 = at(query, 2);
    sum += Math.min(
      this.#pair(x0, q2),
      this.#pair(x1, q2),
      this.#pair(x2, q2),
      this.#pair(x2, q1),
      this.#pair(x2, q0),
    );
    if (sum >= wall) return sum;
    const y2 = (at(series, position + last - 2) - mean) * scale;
    const r2 = at(query, last - 2);
    return (
      sum +
      Math.min(
        this.#pair(y0, r2),
        this.#pair(y1, r2),
        this.#pair(y2, r2),
        this.#pair(y2, r1),
        this.#pair(y2, r0),
      )
    );
  }

  #pair(a: number, b: number): number {
    const difference = a - b;
    return this.#squared ? difference * difference : Math.abs(difference);
  }

  /** LB_Keogh: what each point of the stretch costs outside of the query's envelope. */
  #envelopeOfQuery(position: number, wall: number): number {
    const lower = this.#orderedLower;
    const upper = this.#orderedUpper;
    const { series } = this.#task;
    const order = this.#order;
    const least = this.#least;
    const squared = this.#squared;
    const mean = this.#mean;
    const scale = this.#scale;
    let sum = 0;
    for (let n = 0; n < order.length; n++) {
      const i = order[n] ?? 0;
      const value = (at(series, position + i) - mean) * scale;
      const over = value - at(upper, n);
      const under = at(lower, n) - value;
      const outside = over > 0 ? over : under > 0 ? under : 0;
      const cost = squared ? outside * outside : outside;
      least[i] = cost;
      sum += cost;
      if (sum >= wall) return sum;
    }
    return sum;
  }

  /**
   * LB_Keogh with the roles changed: what each point of the query costs outside of the series' envelope. Near the ends
   * of the stretch that envelope takes in points beyond it, which makes the bound smaller, not wrong.
   */
  #envelopeOfSeries(position: number, wall: number): number {
    const { lower, upper } = this.#ofSeries;
    const ordered = this.#ordered;
    const order = this.#order;
    const least = this.#leastBack;
    const squared = this.#squared;
    const mean = this.#mean;
    const scale = this.#scale;
    let sum = 0;
    for (let n = 0; n < order.length; n++) {
      const i = order[n] ?? 0;
      const value = at(ordered, n);
      const over = value - (at(upper, position + i) - mean) * scale;
      const under = (at(lower, position + i) - mean) * scale - value;
      const outside = over > 0 ? over : under > 0 ? under : 0;
      const cost = squared ? outside * outside : outside;
      least[i] = cost;
      sum += cost;
      if (sum >= wall) return sum;
    }
    return sum;
  }

  /**
   * What is still to come after each row of the table. Of the stretch's points: all that are left. Of the query's:
   * those further on than the band has reached.
   */
  #accumulate(ofQueryPoints: boolean): void {
    const restFrom = this.#restFrom;
    const points = restFrom.length;
    const least = ofQueryPoints ? this.#leastBack : this.#least;
    const ahead = ofQueryPoints ? Math.min(this.#task.window ?? points, points) : 0;
    const slack = this.#slack;
    const squared = this.#squared;
    let sum = 0;
    for (let i = points - 1; i >= 0; i--) {
      const index = i + ahead;
      if (index < points) sum += at(least, index);
      const sure = Math.max(0, (squared ? Math.sqrt(sum) : sum) - slack);
      restFrom[i] = (squared ? sure * sure : sure) / LIMIT_SLACK;
    }
  }
}
