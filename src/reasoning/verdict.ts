import type { Experience, Scalar } from './experience.js';
import type { DecayedMoments } from './statistics/decayed-moments.js';
import { normalCdf } from '../numeric/normal.js';

/** Another value for a parameter of an agent, and why. */
export interface Suggestion {
  readonly parameter: string;
  readonly current: Scalar;
  readonly suggested: Scalar;
  readonly reason: string;
}

/** Each -1 to 1, 0 is neither good nor bad; null when there is nothing to judge it by, which counts as 0. */
export interface VerdictParts {
  /** The outcome itself. */
  readonly quality: number;
  /** Against the other agents' median at the same kind and context. */
  readonly speed: number | null;
  /** How near the stated confidence was to the outcome. */
  readonly calibration: number | null;
  /** How often the agent succeeds at this. */
  readonly reliability: number;
}

/** What a judge says of one experience. */
export interface Judgement {
  /** -1 to 1. */
  readonly score: number;
  readonly parts: VerdictParts;
  /** 0 to 1: how probable it is that the agent's expected score at such tasks has the sign of this score. */
  readonly confidence: number;
}

export interface Verdict extends Judgement {
  readonly experienceId: string;
  readonly agentId: string;
  readonly kind: string;
  /** `built-in`, or the agent that judged. */
  readonly judge: string;
  /** Recent verdicts say that the agent should work with other parameters. */
  readonly shouldAdapt: boolean;
  /** Empty unless it should. */
  readonly suggestions: readonly Suggestion[];
  readonly judgedAt: number;
}

/** What is known at the time of an experience, without it. */
export interface Standing {
  /** 0 to 1: of the outcome. */
  readonly grade: number;
  /** Of the other agents at the same kind and context; null when there is none. */
  readonly peersMedianMs: number | null;
  /** Of the agent at the same kind and context. */
  readonly outcomes: number;
  readonly successes: number;
  readonly scores: DecayedMoments;
}

/** Must be pure. */
export type Judge = (experience: Experience, standing: Standing) => Judgement;

export interface Weights {
  readonly quality: number;
  readonly speed: number;
  readonly calibration: number;
  readonly reliability: number;
}

export const DEFAULT_WEIGHTS: Weights = { quality: 0.5, speed: 0.2, calibration: 0.15, reliability: 0.15 };

/**
 * The deterministic judge. `docs/reasoning.md` has the formula and why it is monotonic: a better outcome, a lower latency
 * or a confidence nearer to the outcome never lowers the score.
 *
 * @throws RangeError for weights that are negative, do not sum to 1, or would not be monotonic: quality must weigh at
 * least twice as much as calibration.
 */
export function scoringJudge(weights: Weights = DEFAULT_WEIGHTS): Judge {
  const { quality, speed, calibration, reliability } = weights;
  const all = [quality, speed, calibration, reliability];
  if (
    all.some((weight) => !(weight >= 0)) ||
    Math.abs(all.reduce((sum, weight) => sum + weight) - 1) > 1e-9
  ) {
    throw new RangeError(`weights ${all.join(', ')}: each must be 0 or more, and their sum 1`);
  }
  if (quality < 2 * calibration) {
    throw new RangeError(
      `weight of quality (${quality}) must be at least twice that of calibration (${calibration})`,
    );
  }
  return ({ outcome: { confidence, latencyMs, success } }, standing) => {
    const parts: VerdictParts = {
      quality: 2 * standing.grade - 1,
      speed: speedPart(latencyMs, standing.peersMedianMs),
      calibration: confidence === null ? null : 1 - 2 * (confidence - standing.grade) ** 2,
      // the mean of a uniform prior and what was seen
      reliability: (2 * (standing.successes + (success ? 1 : 0) + 1)) / (standing.outcomes + 3) - 1,
    };
    const sum =
      quality * parts.quality +
      speed * (parts.speed ?? 0) +
      calibration * (parts.calibration ?? 0) +
      reliability * parts.reliability;
    const score = Math.min(1, Math.max(-1, sum));
    return { score, parts, confidence: signConfidence(score, standing.scores) };
  };
}

/** What another judge says, in range; null when it is no judgement. */
export function boundedJudgement(score: number, confidence: number, parts: VerdictParts): Judgement | null {
  if (!Number.isFinite(score) || !Number.isFinite(confidence)) return null;
  return {
    score: Math.min(1, Math.max(-1, score)),
    parts,
    confidence: Math.min(1, Math.max(0, confidence)),
  };
}

/** (m - l) / (m + l) for a latency l and the peers' median m: 0 for equal ones, 1/3 for half of it, -1/3 for its double. */
function speedPart(latencyMs: number | null, medianMs: number | null): number | null {
  if (latencyMs === null) return -1;
  if (medianMs === null) return null;
  const sum = medianMs + latencyMs;
  return sum === 0 ? 0 : (medianMs - latencyMs) / sum;
}

/** Standard deviation of agents' expected scores, and of scores around them, before anything is known. */
const PRIOR_DEVIATION = 0.4;
const PRIOR_NOISE = 0.4;
/** Scores that the prior of the noise is worth. */
const PRIOR_NOISE_COUNT = 4;

/**
 * Posterior of an expected score after `count` scores of that mean and variance (divided by the count): normal, with a
 * normal prior around 0.
 */
export function expectedScore(
  count: number,
  mean: number,
  variance: number,
): { readonly mean: number; readonly deviation: number } {
  const noise =
    (PRIOR_NOISE_COUNT * PRIOR_NOISE ** 2 + count * variance) / (PRIOR_NOISE_COUNT + Math.max(0, count - 1));
  const prior = PRIOR_DEVIATION ** 2;
  const share = (count * prior) / (count * prior + noise);
  return { mean: share * mean, deviation: Math.sqrt((1 - share) * prior) };
}

/** Probability that the expected score is less than `limit`. */
export function probabilityBelow(limit: number, count: number, mean: number, variance: number): number {
  const posterior = expectedScore(count, mean, variance);
  return normalCdf((limit - posterior.mean) / posterior.deviation);
}

/** The score itself is evidence too: without it the confidence would not be the probability it says. */
function signConfidence(score: number, before: DecayedMoments): number {
  const scores = before.with(score);
  const below = probabilityBelow(0, scores.effectiveCount, scores.mean, scores.variance);
  return score < 0 ? below : 1 - below;
}
