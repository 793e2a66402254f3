import type { AdaptationPlanner } from './adaptation/planner.js';
import type { Adaptation, AdaptationEnd, AdaptationReport, Phase } from './adaptation/state.js';
import type { BankCounters } from './contract.js';
import type { MemoryItem } from './memory/item.js';
import type { Memory } from './memory/memory.js';
import type { PendingForecasts } from './pending-forecasts.js';
import type { Performance, RowFilter } from './performance/performance.js';
import type { PerformanceRow } from './performance/row.js';
import type { Ring } from '../collections/ring.js';
import type { Suggestion, Verdict } from './verdict.js';
import type { Scalar } from './experience.js';

export interface ReportFilter extends RowFilter {
  /** At most; default 100. */
  readonly limit?: number;
}

/** An adaptation that is not over. */
export interface CurrentAdaptation {
  readonly agentId: string;
  readonly kind: string;
  readonly phase: Phase['phase'];
  /** What is being changed; [] when nothing is. */
  readonly suggestions: readonly Suggestion[];
  /** Scores gathered in this phase. */
  readonly gathered: number;
  /** Parameters as they are outside of trials, by name. */
  readonly values: Readonly<Record<string, Scalar>>;
}

export interface BankSummary extends Readonly<BankCounters> {
  readonly pendingForecasts: number;
  readonly memories: number;
  readonly adaptations: Readonly<Record<AdaptationEnd, number>>;
}

interface Sources {
  readonly performance: Performance;
  readonly planner: AdaptationPlanner;
  readonly memory: Memory;
  readonly pending: PendingForecasts;
  readonly verdicts: Ring<Verdict>;
  readonly ended: Ring<AdaptationReport>;
  readonly counters: Readonly<BankCounters>;
}

/** What the bank knows, as plain values that are the same in JSON. */
export class BankReports {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  performance(filter: RowFilter = {}): PerformanceRow[] {
    return this.#sources.performance.rows(filter);
  }

  /** The latest first. */
  verdicts(filter: ReportFilter = {}): Verdict[] {
    return latest(this.#sources.verdicts, filter);
  }

  /** Changes that are over, the latest first, with how they were judged. */
  adaptations(filter: ReportFilter = {}): AdaptationReport[] {
    return latest(this.#sources.ended, filter);
  }

  /** Where the adaptation of each agent and kind stands. */
  underWay(filter: RowFilter = {}): CurrentAdaptation[] {
    return [...this.#sources.planner.tracked]
      .filter((adaptation) => matches(adaptation, filter))
      .map((adaptation) => ({
        agentId: adaptation.agentId,
        kind: adaptation.kind,
        phase: adaptation.phase.phase,
        ...progressOf(adaptation),
        values: this.#sources.planner.values(adaptation.agentId, adaptation.kind),
      }));
  }

  /** Lessons, those with the most evidence first. */
  memories({ kind, limit = 100 }: Pick<ReportFilter, 'kind' | 'limit'> = {}): MemoryItem[] {
    return [...this.#sources.memory.items]
      .filter((item) => kind === undefined || item.kind === kind)
      .sort((a, b) => b.evidence - a.evidence || (a.memoryId < b.memoryId ? -1 : 1))
      .slice(0, limit);
  }

  summary(): BankSummary {
    const { counters, pending, memory, ended } = this.#sources;
    const adaptations = { kept: 0, 'rolled-back': 0, refused: 0, abandoned: 0, interrupted: 0 };
    for (const { end } of ended.toArray()) adaptations[end]++;
    return { ...counters, pendingForecasts: pending.size, memories: memory.size, adaptations };
  }
}

function latest<T extends { readonly agentId: string; readonly kind: string }>(
  ring: Ring<T>,
  { limit = 100, ...filter }: ReportFilter,
): T[] {
  return ring
    .toArray()
    .filter((entry) => matches(entry, filter))
    .slice(-limit)
    .reverse();
}

function matches(
  entry: { readonly agentId: string; readonly kind: string },
  { agentId, kind }: RowFilter,
): boolean {
  return (agentId === undefined || entry.agentId === agentId) && (kind === undefined || entry.kind === kind);
}

function progressOf({ phase }: Adaptation): Pick<CurrentAdaptation, 'suggestions' | 'gathered'> {
  switch (phase.phase) {
    case 'watching':
      return { suggestions: [], gathered: phase.recent.length };
    case 'resting':
      return { suggestions: [], gathered: 0 };
    case 'measuring':
      return { suggestions: phase.change.suggestions, gathered: phase.change.baseline.length };
    case 'asking':
      return { suggestions: phase.change.suggestions, gathered: phase.change.baseline.length };
    case 'trying':
      return { suggestions: phase.change.suggestions, gathered: phase.scores.length };
    case 'returning':
      return { suggestions: phase.suggestions, gathered: 0 };
  }
}
