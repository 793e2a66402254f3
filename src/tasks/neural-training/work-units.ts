import type { Span } from './batches.js';
import type { WeightedGradient } from './model.js';

/** One piece of work: the gradient of a span of rows. */
export interface Unit {
  readonly batch: number;
  readonly span: Span;
  /** Given out and not answered: more than one where the first is slow. */
  readonly assignments: Set<Assignment>;
  failures: number;
  gradient: WeightedGradient | null;
}

/** A unit in the hands of one agent. */
export interface Assignment {
  readonly id: number;
  readonly agentId: string;
  readonly unit: Unit;
  /** Of the weights it was given. */
  readonly version: number;
  readonly at: number;
  readonly slowAt: number;
}

export function newUnit(batch: number, span: Span): Unit {
  return { batch, span, assignments: new Set(), failures: 0, gradient: null };
}

/** Agents that have the same unit at once. */
const MAX_COPIES = 3;
/** Work is slow after this many times what work has taken of late. */
const SLOW_FACTOR = 4;
const LATEST_SHARE = 0.2;
/** An agent whose gradients fail gets no more for this long, doubled each time. Milliseconds. */
const BENCH_MS = 500;
const MAX_BENCH_MS = 30_000;

/** Which units wait, who has which, and who is to be given none for a while. */
export class WorkUnits {
  readonly #waiting: Unit[] = [];
  readonly #assignments = new Map<number, Assignment>();
  readonly #benched = new Map<string, { until: number; failures: number }>();
  #nextId = 1;
  #typicalMs = 0;

  constructor(readonly stragglerMs: number) {}

  get assignments(): ReadonlyMap<number, Assignment> {
    return this.#assignments;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(unit: Unit): void {
    this.#waiting.push(unit);
  }

  /** Before the others: it has waited already. */
  addBack(unit: Unit): void {
    if (unit.gradient === null && unit.assignments.size === 0) this.#waiting.unshift(unit);
  }

  isBenched(agentId: string, now: number): boolean {
    return (this.#benched.get(agentId)?.until ?? -Infinity) > now;
  }

  /** Gives the next unit that waits to an agent; when none does, one that another agent is slow with; or nothing. */
  assign(agentId: string, version: number, mayStart: boolean, now: number): Assignment | null {
    if (this.isBenched(agentId, now)) return null;
    const unit = (mayStart ? this.#waiting.shift() : undefined) ?? this.#slow(agentId, now);
    if (unit === undefined) return null;
    const slowAt = now + Math.max(this.stragglerMs, SLOW_FACTOR * this.#typicalMs);
    const assignment = { id: this.#nextId++, agentId, unit, version, at: now, slowAt };
    unit.assignments.add(assignment);
    this.#assignments.set(assignment.id, assignment);
    return assignment;
  }

  /** An assignment has ended, well or not. */
  end(assignment: Assignment): void {
    this.#assignments.delete(assignment.id);
    assignment.unit.assignments.delete(assignment);
  }

  succeeded({ agentId, at }: Assignment, now: number): void {
    const tookMs = now - at;
    this.#typicalMs = this.#typicalMs === 0 ? tookMs : mix(this.#typicalMs, tookMs);
    this.#benched.delete(agentId);
  }

  bench(agentId: string, now: number): void {
    const failures = (this.#benched.get(agentId)?.failures ?? 0) + 1;
    const until = now + Math.min(MAX_BENCH_MS, BENCH_MS * 2 ** (failures - 1));
    this.#benched.set(agentId, { until, failures });
  }

  /** When an offer that was declined may be taken: somebody becomes slow, or somebody's pause is over. */
  nextChange(now: number): number | null {
    let next = Infinity;
    for (const { slowAt } of this.#assignments.values()) if (slowAt > now) next = Math.min(next, slowAt);
    if (this.#waiting.length > 0) {
      for (const { until } of this.#benched.values()) if (until > now) next = Math.min(next, until);
    }
    return next === Infinity ? null : next;
  }

  /** Whether an agent may have something to do. */
  hasWork(mayStart: boolean, now: number): boolean {
    if (mayStart && this.#waiting.length > 0) return true;
    for (const { slowAt } of this.#assignments.values()) if (slowAt <= now) return true;
    return false;
  }

  #slow(agentId: string, now: number): Unit | undefined {
    for (const { unit, slowAt } of this.#assignments.values()) {
      if (slowAt > now || unit.assignments.size >= MAX_COPIES) continue;
      const hasIt = [...unit.assignments].some((other) => other.agentId === agentId || other.slowAt > now);
      if (!hasIt) return unit;
    }
    return undefined;
  }
}

function mix(before: number, latest: number): number {
  return (1 - LATEST_SHARE) * before + LATEST_SHARE * latest;
}
