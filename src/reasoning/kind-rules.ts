import { contextKey } from './context-key.js';
import type { KindOptions } from './contract.js';
import type { Experience } from './experience.js';
import { type ForecastJudge, skill } from './forecast-judge.js';
import { checkScale, type OutcomeScale, SIGNED } from './outcome-scale.js';

/** What is said of single kinds of task, and what holds for all others. */
export class KindRules {
  readonly #kinds: ReadonlyMap<string, KindOptions>;

  /** Throws RangeError for a scale that is none. */
  constructor(kinds: Readonly<Record<string, KindOptions>> = {}) {
    this.#kinds = new Map(Object.entries(kinds));
    for (const [kind, { scale }] of this.#kinds) if (scale !== undefined) checkScale(kind, scale);
  }

  contextKey({ kind, context }: Pick<Experience, 'kind' | 'context'>): string {
    return contextKey(context, this.#kinds.get(kind)?.contextNames);
  }

  scale(kind: string): OutcomeScale {
    return this.#kinds.get(kind)?.scale ?? SIGNED;
  }

  forecastJudge(kind: string | undefined): ForecastJudge {
    return (kind === undefined ? undefined : this.#kinds.get(kind)?.judgeForecast) ?? skill;
  }
}
