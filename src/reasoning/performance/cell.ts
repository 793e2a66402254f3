import { DecayedMoments, type PlainDecayedMoments } from '../statistics/decayed-moments.js';
import { LatencySketch, type PlainSketch } from '../statistics/latency-sketch.js';
import { Moments, type PlainMoments } from '../statistics/moments.js';

/** Weight of the past when a new value comes: recent level (about 40 values), scores (200), routing (500). */
const TREND_DECAY = 0.95;
export const SCORE_DECAY = 0.99;
const ROUTING_DECAY = 0.996;

const MOST_RECENT = 8;

/** An outcome as a cell counts it. */
export interface CountedOutcome {
  readonly value: number | null;
  /** 0 to 1. */
  readonly grade: number;
  readonly confidence: number | null;
  readonly success: boolean;
  /** Seen by the coordinator, not told by the agent itself. */
  readonly observed: boolean;
}

export interface PlainCell {
  readonly delivered: number;
  readonly failed: number;
  readonly outcomes: number;
  readonly successes: number;
  readonly value: PlainMoments;
  readonly grade: PlainMoments;
  readonly confidence: PlainMoments;
  readonly brier: PlainMoments;
  readonly recentGrade: PlainDecayedMoments;
  readonly recentLatency: PlainDecayedMoments;
  readonly latency: PlainSketch;
  readonly score: PlainDecayedMoments;
  readonly routedGrade: PlainDecayedMoments;
  readonly routedLatency: PlainDecayedMoments;
}

/** What is known of some agent, kind and context, or of all that fall under a coarser key. */
export class Cell {
  #delivered: number;
  #failed: number;
  #outcomes: number;
  #successes: number;
  readonly value: Moments;
  readonly grade: Moments;
  readonly confidence: Moments;
  /** Squared differences of confidence and grade. */
  readonly brier: Moments;
  readonly recentGrade: DecayedMoments;
  /** Milliseconds. */
  readonly recentLatency: DecayedMoments;
  readonly latency: LatencySketch;
  /** Scores of verdicts. */
  readonly score: DecayedMoments;
  /** For routing: only what the coordinator itself saw. */
  readonly routedGrade: DecayedMoments;
  /** For routing: natural logarithm of milliseconds, 0.001 at least. */
  readonly routedLatency: DecayedMoments;

  constructor(from?: PlainCell) {
    this.#delivered = from?.delivered ?? 0;
    this.#failed = from?.failed ?? 0;
    this.#outcomes = from?.outcomes ?? 0;
    this.#successes = from?.successes ?? 0;
    this.value = new Moments(from?.value);
    this.grade = new Moments(from?.grade);
    this.confidence = new Moments(from?.confidence);
    this.brier = new Moments(from?.brier);
    this.recentGrade = new DecayedMoments(TREND_DECAY, from?.recentGrade);
    this.recentLatency = new DecayedMoments(TREND_DECAY, from?.recentLatency);
    this.latency = new LatencySketch(from?.latency);
    this.score = new DecayedMoments(SCORE_DECAY, from?.score);
    this.routedGrade = new DecayedMoments(ROUTING_DECAY, from?.routedGrade);
    this.routedLatency = new DecayedMoments(ROUTING_DECAY, from?.routedLatency);
  }

  /** Results that came, whether or not their worth is known yet. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Attempts without a result. */
  get failed(): number {
    return this.#failed;
  }

  /** Outcomes that are known, failures among them. */
  get outcomes(): number {
    return this.#outcomes;
  }

  get successes(): number {
    return this.#successes;
  }

  addDelivery(latencyMs: number, observed: boolean): void {
    this.#delivered++;
    this.latency.add(latencyMs);
    this.recentLatency.add(latencyMs);
    if (observed) this.routedLatency.add(Math.log(Math.max(0.001, latencyMs)));
  }

  addFailure(): void {
    this.#failed++;
  }

  addOutcome({ value, grade, confidence, success, observed }: CountedOutcome): void {
    this.#outcomes++;
    if (success) this.#successes++;
    if (value !== null) this.value.add(value);
    this.grade.add(grade);
    this.recentGrade.add(grade);
    if (observed) this.routedGrade.add(grade);
    if (confidence === null) return;
    this.confidence.add(confidence);
    this.brier.add((confidence - grade) ** 2);
  }

  /**
   * Many small results at once, seen by the coordinator: `delivered` of them, of which `latencies` are a sample, and
   * `failed` attempts. What is weighted by recency counts them as that sample, or as at most `MOST_RECENT`.
   */
  addMany(delivered: number, failed: number, latencies: readonly number[]): void {
    const total = delivered + failed;
    this.#delivered += delivered;
    this.#failed += failed;
    this.#outcomes += total;
    this.#successes += delivered;
    this.grade.addShares(delivered, failed);
    for (let i = Math.min(total, MOST_RECENT); i > 0; i--) {
      this.recentGrade.add(delivered / total);
      this.routedGrade.add(delivered / total);
    }
    const each = Math.floor(delivered / Math.max(1, latencies.length));
    let left = delivered - each * latencies.length;
    for (const latencyMs of latencies) {
      this.latency.add(latencyMs, each + (left-- > 0 ? 1 : 0));
      this.recentLatency.add(latencyMs);
      this.routedLatency.add(Math.log(Math.max(0.001, latencyMs)));
    }
  }

  plain(): PlainCell {
    return {
      delivered: this.#delivered,
      failed: this.#failed,
      outcomes: this.#outcomes,
      successes: this.#successes,
      value: this.value.plain(),
      grade: this.grade.plain(),
      confidence: this.confidence.plain(),
      brier: this.brier.plain(),
      recentGrade: this.recentGrade.plain(),
      recentLatency: this.recentLatency.plain(),
      latency: this.latency.plain(),
      score: this.score.plain(),
      routedGrade: this.routedGrade.plain(),
      routedLatency: this.routedLatency.plain(),
    };
  }
}
