import type { Experience } from './experience.js';
import { KeyedQueue } from '../collections/keyed-queue.js';
import { pairKey } from './pair-key.js';
import type { Levels } from './performance/performance.js';
import type { Judgement, Suggestion, Verdict } from './verdict.js';

/** An experience whose verdict does not stand yet. */
export interface AwaitedVerdict {
  readonly experience: Experience;
  /** What stands if nothing else comes. */
  readonly judgement: Judgement;
  /** Whose it is. */
  readonly judge: string;
  readonly levels: Levels;
  /** Key of the context. */
  readonly context: string;
  /** What the judge suggests. */
  readonly suggested: readonly Suggestion[];
}

interface Entry {
  readonly awaited: AwaitedVerdict;
  readonly deadline: number;
}

/** Experiences that another judge was asked about, oldest first. */
export class Awaiting {
  readonly #withinMs: number;
  readonly #queue = new KeyedQueue<Entry>();

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  get size(): number {
    return this.#queue.size;
  }

  add(awaited: AwaitedVerdict, now: number): void {
    const { agentId, experienceId } = awaited.experience;
    this.#queue.set(pairKey(agentId, experienceId), { awaited, deadline: now + this.#withinMs });
  }

  take(agentId: string, experienceId: string): AwaitedVerdict | null {
    return this.#queue.take(pairKey(agentId, experienceId))?.awaited ?? null;
  }

  takeOldest(): AwaitedVerdict | null {
    return this.#queue.takeOldest()?.awaited ?? null;
  }

  takeAll(): AwaitedVerdict[] {
    const all = this.#queue.toArray().map(({ awaited }) => awaited);
    this.#queue.clear();
    return all;
  }

  popDue(now: number): AwaitedVerdict | null {
    const next = this.nextDeadline();
    return next !== null && next <= now ? this.takeOldest() : null;
  }

  nextDeadline(): number | null {
    return this.#queue.oldest()?.deadline ?? null;
  }
}

/** The verdict as it stands now. Written field by field: a spread costs more than all the judging. */
export function verdictOf(
  { experience, judgement, judge }: AwaitedVerdict,
  suggestions: readonly Suggestion[],
  now: number,
): Verdict {
  return {
    experienceId: experience.experienceId,
    agentId: experience.agentId,
    kind: experience.kind,
    score: judgement.score,
    parts: judgement.parts,
    confidence: judgement.confidence,
    judge,
    shouldAdapt: suggestions.length > 0,
    suggestions,
    judgedAt: now,
  };
}
