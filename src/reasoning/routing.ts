import type { Cell } from './performance/cell.js';
import { SeededRandom } from '../numeric/random.js';
import type { DecayedMoments } from './statistics/decayed-moments.js';

/** Agents that may be chosen, least loaded first. */
export interface RoutingCandidates<Agent> {
  first(): Agent | null;
  take(limit: number): readonly Agent[];
}

/** Chooses among candidates; fits wherever a policy of that form is asked for. */
export interface LearnedRouting {
  readonly name: 'learned';
  choose<Agent extends { readonly agentId: string }>(
    task: { readonly kind: string },
    candidates: RoutingCandidates<Agent>,
  ): Agent | null;
}

/** What routing reads; the cells change as outcomes come in. */
export interface RoutingKnowledge {
  agentKind(agentId: string, kind: string): Pick<Cell, 'routedGrade' | 'routedLatency'> | null;
  kind(kind: string): Pick<Cell, 'routedGrade' | 'routedLatency'> | null;
}

export interface LearnedRoutingOptions {
  readonly performance: RoutingKnowledge;
  /** The same seed and the same order of events and choices give the same choices. */
  readonly seed: number;
  /** `thompson`: draws from what each agent may be worth. `ucb`: takes what it is worth at best. Default `thompson`. */
  readonly strategy?: 'thompson' | 'ucb';
  /** Candidates looked at, the least loaded ones. Default 16. */
  readonly maxCandidates?: number;
  /** Share of the outcome in what counts, 0 to 1; the rest is speed. Default 0.7. */
  readonly qualityShare?: number;
}

/** Outcomes that the mean of all agents is worth as a prior, and the variance of one before anything is known. */
const PRIOR_COUNT = 2;
const PRIOR_GRADE_VARIANCE = 0.1;
/** Of the logarithm of a latency: a factor of e either way. */
const PRIOR_LATENCY_VARIANCE = 1;

/**
 * Routing by what agents were worth so far at the kind: a share of quality (the grade of outcomes, failures as 0) and one of
 * speed, 1 / (1 + l / m) for a latency l where m is the mean one of the kind. Both are known with some
 * uncertainty, which shrinks as outcomes come in: so exploration decays by itself, and never ends altogether,
 * as old outcomes are forgotten. While nothing is known of a kind, the least loaded agent is chosen.
 *
 * A choice costs O(maxCandidates); ties go to the less loaded agent.
 *
 * @throws RangeError for options out of range.
 */
export function learnedRouting(options: LearnedRoutingOptions): LearnedRouting {
  const { performance, seed, strategy = 'thompson', maxCandidates = 16, qualityShare = 0.7 } = options;
  if (!Number.isInteger(maxCandidates) || maxCandidates < 1) {
    throw new RangeError(`maxCandidates must be an integer of 1 or more; it is ${maxCandidates}`);
  }
  if (!(qualityShare >= 0 && qualityShare <= 1)) {
    throw new RangeError(`qualityShare must be from 0 to 1; it is ${qualityShare}`);
  }
  const random = new SeededRandom(seed);
  const explore = strategy === 'thompson' ? drawTwo(random) : boundTwo();

  return {
    name: 'learned',
    choose(task, candidates) {
      const ofKind = performance.kind(task.kind);
      if (ofKind === null || ofKind.routedGrade.effectiveCount === 0) return candidates.first();
      const taken = candidates.take(maxCandidates);
      if (taken.length < 2) return taken[0] ?? null;
      const usualGrade = ofKind.routedGrade.mean;
      const usualLatency = ofKind.routedLatency.mean;
      let best = null;
      let bestWorth = -Infinity;
      for (const agent of taken) {
        const cell = performance.agentKind(agent.agentId, task.kind);
        explore.next(cell?.routedGrade.effectiveCount ?? 0);
        const grade = plausible(cell?.routedGrade, usualGrade, PRIOR_GRADE_VARIANCE, explore.first);
        const latency = plausible(cell?.routedLatency, usualLatency, PRIOR_LATENCY_VARIANCE, -explore.second);
        const worth = qualityShare * grade + (1 - qualityShare) / (1 + Math.exp(latency - usualLatency));
        if (worth <= bestWorth) continue;
        best = agent;
        bestWorth = worth;
      }
      return best;
    },
  };
}

/** The posterior mean, and so many of its standard deviations more. */
function plausible(
  seen: DecayedMoments | undefined,
  priorMean: number,
  priorVariance: number,
  deviations: number,
): number {
  const count = seen?.effectiveCount ?? 0;
  const total = count + PRIOR_COUNT;
  const mean = (count * (seen?.mean ?? 0) + PRIOR_COUNT * priorMean) / total;
  const variance = (count * (seen?.variance ?? 0) + PRIOR_COUNT * priorVariance) / total;
  return mean + deviations * Math.sqrt(variance / total);
}

/** How many standard deviations from the mean to look, for quality and for speed. Reused: nothing is allocated in a choice. */
interface Exploration {
  first: number;
  second: number;
  next(count: number): void;
}

/** Two independent standard normal numbers (Box & Muller 1958). */
function drawTwo(random: SeededRandom): Exploration {
  return {
    first: 0,
    second: 0,
    next() {
      const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
      const angle = 2 * Math.PI * random.fraction();
      this.first = radius * Math.cos(angle);
      this.second = radius * Math.sin(angle);
    },
  };
}

/** UCB1's bound: it grows with the choices made so far, so that nobody is given up for ever. */
function boundTwo(): Exploration {
  let choices = 0;
  return {
    first: 0,
    second: 0,
    next() {
      choices++;
      this.first = Math.sqrt(2 * Math.log(1 + choices));
      this.second = this.first;
    },
  };
}
