import { Cell, type PlainCell } from './cell.js';
import { type PerformanceRow, rowOf } from './row.js';

export interface PerformanceLimits {
  /** Agents remembered: the one longest without news is forgotten for a new one. */
  readonly maxAgents: number;
  /** Kinds told apart; what comes after them counts as `other`. */
  readonly maxKinds: number;
  /** Contexts of a kind told apart, likewise. */
  readonly maxContexts: number;
  /** Triples of agent, kind and context told apart, likewise. */
  readonly maxCells: number;
}

export const DEFAULT_PERFORMANCE_LIMITS: PerformanceLimits = {
  maxAgents: 1_024,
  maxKinds: 64,
  maxContexts: 32,
  maxCells: 10_000,
};

/** Where what no longer has a place of its own is counted. */
export const OTHER = 'other';

/** All cells in which one thing counts, from the finest to the coarser ones. */
export interface Levels {
  readonly own: Cell;
  readonly agentKind: Cell;
  readonly agent: Cell;
  /** All agents at that kind in that context. */
  readonly kindContext: Cell;
  readonly kind: Cell;
}

/** The finest first. */
export function cellsOf({ own, agentKind, agent, kindContext, kind }: Levels) {
  return [own, agentKind, agent, kindContext, kind] as const;
}

interface KindOfAgent {
  readonly cell: Cell;
  readonly contexts: Map<string, Levels>;
}

interface AgentEntry {
  readonly cell: Cell;
  readonly kinds: Map<string, KindOfAgent>;
}

interface KindEntry {
  readonly cell: Cell;
  readonly contexts: Map<string, Cell>;
}

export interface PlainPerformance {
  readonly kinds: readonly {
    readonly kind: string;
    readonly cell: PlainCell;
    readonly contexts: readonly { readonly context: string; readonly cell: PlainCell }[];
  }[];
  /** The one longest without news first. */
  readonly agents: readonly {
    readonly agentId: string;
    readonly cell: PlainCell;
    readonly kinds: readonly {
      readonly kind: string;
      readonly cell: PlainCell;
      readonly contexts: readonly { readonly context: string; readonly cell: PlainCell }[];
    }[];
  }[];
}

export interface RowFilter {
  readonly agentId?: string;
  readonly kind?: string;
}

/**
 * Performance of each agent × kind × context, and of each coarser level: agent × kind, agent, kind × context, kind. Every
 * level is counted as things happen, so that recent levels are right everywhere; nothing is merged afterwards.
 */
export class Performance {
  readonly #limits: PerformanceLimits;
  readonly #agents = new Map<string, AgentEntry>();
  readonly #kinds = new Map<string, KindEntry>();
  #cells = 0;

  constructor(limits: PerformanceLimits = DEFAULT_PERFORMANCE_LIMITS, from?: PlainPerformance) {
    this.#limits = limits;
    for (const { kind, cell, contexts } of from?.kinds ?? []) {
      const cells = new Map(contexts.map((entry) => [entry.context, new Cell(entry.cell)]));
      this.#kinds.set(kind, { cell: new Cell(cell), contexts: cells });
    }
    for (const { agentId, cell, kinds } of from?.agents ?? []) this.#restoreAgent(agentId, cell, kinds);
  }

  /** The cells that something of that agent, kind and context counts in. Makes those that are missing. */
  levels(agentId: string, kind: string, context: string): Levels {
    const agent = this.#agent(agentId);
    const known = agent.kinds.get(kind)?.contexts.get(context);
    if (known !== undefined) return known;
    const placedKind = this.#kinds.has(kind) || this.#kinds.size < this.#limits.maxKinds ? kind : OTHER;
    const ofAll = this.#kind(placedKind);
    const isKnown = ofAll.contexts.has(context);
    const fits =
      (isKnown || ofAll.contexts.size < this.#limits.maxContexts) && this.#cells < this.#limits.maxCells;
    const placed = fits ? context : OTHER;
    const ofAgent = kindOfAgent(agent, placedKind);
    return ofAgent.contexts.get(placed) ?? this.#newLevels(agent, ofAgent, ofAll, placed);
  }

  /** Small results, and failures, that are not told one by one: without circumstances. */
  countMany(counted: {
    readonly agentId: string;
    readonly kind: string;
    readonly delivered: number;
    readonly failed: number;
    /** Milliseconds: a sample of the results'. */
    readonly latencies: readonly number[];
  }): void {
    const { agentId, kind, delivered, failed, latencies } = counted;
    for (const cell of cellsOf(this.levels(agentId, kind, ''))) cell.addMany(delivered, failed, latencies);
  }

  /** What an agent did of a kind, in any context; null when nothing is known. */
  agentKind(agentId: string, kind: string): Cell | null {
    return this.#agents.get(agentId)?.kinds.get(kind)?.cell ?? null;
  }

  /** What all agents did of a kind; null when nothing is known. */
  kind(kind: string): Cell | null {
    return this.#kinds.get(kind)?.cell ?? null;
  }

  /**
   * The performance table: for each agent its total, then each of its kinds, then each context of it; at the end, without
   * a filter for an agent, the kinds over all agents. Sorted by name.
   */
  rows({ agentId, kind }: RowFilter = {}): PerformanceRow[] {
    const rows: PerformanceRow[] = [];
    for (const [id, agent] of sorted(this.#agents)) {
      if (agentId !== undefined && id !== agentId) continue;
      if (kind === undefined) rows.push(rowOf(agent.cell, id, null, null));
      for (const [name, ofAgent] of sorted(agent.kinds)) {
        if (kind !== undefined && name !== kind) continue;
        rows.push(rowOf(ofAgent.cell, id, name, null));
        for (const [context, { own }] of sorted(ofAgent.contexts)) rows.push(rowOf(own, id, name, context));
      }
    }
    if (agentId !== undefined) return rows;
    for (const [name, { cell, contexts }] of sorted(this.#kinds)) {
      if (kind !== undefined && name !== kind) continue;
      rows.push(rowOf(cell, null, name, null));
      for (const [context, ofContext] of sorted(contexts)) rows.push(rowOf(ofContext, null, name, context));
    }
    return rows;
  }

  plain(): PlainPerformance {
    return {
      kinds: [...this.#kinds].map(([kind, { cell, contexts }]) => ({
        kind,
        cell: cell.plain(),
        contexts: [...contexts].map(([context, ofContext]) => ({ context, cell: ofContext.plain() })),
      })),
      agents: [...this.#agents].map(([agentId, { cell, kinds }]) => ({
        agentId,
        cell: cell.plain(),
        kinds: [...kinds].map(([kind, ofAgent]) => ({
          kind,
          cell: ofAgent.cell.plain(),
          contexts: [...ofAgent.contexts].map(([context, { own }]) => ({ context, cell: own.plain() })),
        })),
      })),
    };
  }

  /** Puts the agent last in the order of news. */
  #agent(agentId: string): AgentEntry {
    let agent = this.#agents.get(agentId);
    if (agent === undefined) {
      if (this.#agents.size >= this.#limits.maxAgents) this.#forgetOldest();
      agent = { cell: new Cell(), kinds: new Map() };
    } else {
      this.#agents.delete(agentId);
    }
    this.#agents.set(agentId, agent);
    return agent;
  }

  #forgetOldest(): void {
    for (const [agentId, { kinds }] of this.#agents) {
      for (const { contexts } of kinds.values()) this.#cells -= contexts.size;
      this.#agents.delete(agentId);
      return;
    }
  }

  #kind(kind: string): KindEntry {
    let entry = this.#kinds.get(kind);
    if (entry === undefined) {
      entry = { cell: new Cell(), contexts: new Map() };
      this.#kinds.set(kind, entry);
    }
    return entry;
  }

  #newLevels(
    agent: AgentEntry,
    ofAgent: KindOfAgent,
    ofAll: KindEntry,
    context: string,
    from?: PlainCell,
  ): Levels {
    let kindContext = ofAll.contexts.get(context);
    if (kindContext === undefined) {
      kindContext = new Cell();
      ofAll.contexts.set(context, kindContext);
    }
    const levels: Levels = {
      own: new Cell(from),
      agentKind: ofAgent.cell,
      agent: agent.cell,
      kindContext,
      kind: ofAll.cell,
    };
    ofAgent.contexts.set(context, levels);
    this.#cells++;
    return levels;
  }

  #restoreAgent(agentId: string, cell: PlainCell, kinds: PlainPerformance['agents'][number]['kinds']): void {
    const agent: AgentEntry = { cell: new Cell(cell), kinds: new Map() };
    this.#agents.set(agentId, agent);
    for (const { kind, cell: kindCell, contexts } of kinds) {
      const ofAgent: KindOfAgent = { cell: new Cell(kindCell), contexts: new Map() };
      agent.kinds.set(kind, ofAgent);
      for (const { context, cell: own } of contexts) {
        this.#newLevels(agent, ofAgent, this.#kind(kind), context, own);
      }
    }
  }
}

function kindOfAgent(agent: AgentEntry, kind: string): KindOfAgent {
  let ofAgent = agent.kinds.get(kind);
  if (ofAgent === undefined) {
    ofAgent = { cell: new Cell(), contexts: new Map() };
    agent.kinds.set(kind, ofAgent);
  }
  return ofAgent;
}

function sorted<T>(entries: ReadonlyMap<string, T>): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
