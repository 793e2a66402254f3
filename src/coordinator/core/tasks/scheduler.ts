import type { TaskSpec } from '../../../store/records.js';
import { LinkedList, type Listed } from '../../../collections/linked-list.js';
import { RecentMap } from '../../../collections/recent-map.js';
import type { Candidates, RoutableAgent, RoutingPolicy } from './routing.js';

/** An agent's place in the scheduler. Only the scheduler writes to it. */
export interface AgentSlot extends RoutableAgent, Listed<AgentSlot> {
  credit: number;
  used: number;
  load: number;
  /** May get tasks: its session is connected, heard of, and not draining. */
  available: boolean;
  pool: Pool;
  /** Its place is in this bucket of its pool while it may get tasks and has credit left; else in none. */
  bucket: number;
}

/** The agents that take exactly the same kinds. There are few such sets, so a move between buckets costs O(1), not O(kinds). */
interface Pool {
  readonly key: string;
  readonly kinds: readonly string[];
  /** All and only the available agents with free credit, by how busy they are; in a bucket the one longest unused first. */
  readonly buckets: readonly LinkedList<AgentSlot>[];
  /** Bit b is set when, and only when, bucket b is not empty. */
  occupied: number;
  members: number;
}

const BUCKETS = 16;
/** How much of the rank is taken credit; the rest is the processor load the agent reports, which is seconds old. */
const CREDIT_SHARE = 0.75;
const AFFINITY_KEYS_REMEMBERED = 100_000;

/**
 * Picks agents for tasks: by kind, free credit, affinity and load. An agent never holds more than its credit.
 * Deterministic: the same sequence of calls gives the same picks. A pick costs O(pools of the kind), a change O(1).
 */
export class Scheduler {
  readonly #policy: RoutingPolicy;
  readonly #slots = new Map<string, AgentSlot>();
  readonly #pools = new Map<string, Pool>();
  readonly #poolsOfKind = new Map<string, Set<Pool>>();
  /** The agent that last got a task of an affinity key, most recently used last. */
  readonly #agentOfKey = new RecentMap<string>(AFFINITY_KEYS_REMEMBERED);

  constructor(policy: RoutingPolicy) {
    this.#policy = policy;
  }

  /** Adds an agent, unavailable at first. The id must be new. */
  add(agentId: string, kinds: readonly string[], credit: number): AgentSlot {
    const pool = this.#joinPool(kinds);
    const slot: AgentSlot = {
      agentId,
      credit,
      used: 0,
      load: 0,
      available: false,
      pool,
      bucket: 0,
      list: null,
      previous: null,
      next: null,
    };
    this.#slots.set(agentId, slot);
    return slot;
  }

  remove(slot: AgentSlot): void {
    this.#unlist(slot);
    this.#leavePool(slot.pool);
    this.#slots.delete(slot.agentId);
  }

  setKinds(slot: AgentSlot, kinds: readonly string[]): void {
    this.#unlist(slot);
    this.#leavePool(slot.pool);
    slot.pool = this.#joinPool(kinds);
    this.#place(slot);
  }

  setAvailable(slot: AgentSlot, available: boolean): void {
    slot.available = available;
    this.#place(slot);
  }

  setCredit(slot: AgentSlot, credit: number): void {
    slot.credit = credit;
    this.#place(slot);
  }

  setLoad(slot: AgentSlot, load: number): void {
    slot.load = load;
    this.#place(slot);
  }

  /** Takes one credit. The agent goes behind its equals, so that they take turns. */
  occupy(slot: AgentSlot): void {
    slot.used++;
    this.#unlist(slot);
    this.#place(slot);
  }

  /** Gives one credit back. */
  release(slot: AgentSlot): void {
    slot.used--;
    this.#place(slot);
  }

  /** Some agent takes this kind, whether or not it is available now. */
  isOffered(kind: string): boolean {
    return this.#poolsOfKind.has(kind);
  }

  /** The available agents that take this kind, and the tasks they take at once. */
  availableFor(kind: string): { readonly agents: number; readonly credit: number } {
    let agents = 0;
    let credit = 0;
    for (const slot of this.#slots.values()) {
      if (!slot.available || this.#poolsOfKind.get(kind)?.has(slot.pool) !== true) continue;
      agents++;
      credit += slot.credit;
    }
    return { agents, credit };
  }

  /** At most `limit` agents that take this kind and have credit left, the least busy first. */
  withCredit(kind: string, limit: number): readonly AgentSlot[] {
    return new KindCandidates(this.#slots, this.#poolsOfKind.get(kind) ?? NO_POOLS, null).take(limit);
  }

  offeredKinds(): string[] {
    return [...this.#poolsOfKind.keys()];
  }

  /** Some available agent takes this kind and has credit left. */
  hasCapacity(kind: string): boolean {
    const pools = this.#poolsOfKind.get(kind);
    if (pools === undefined) return false;
    for (const pool of pools) if (pool.occupied !== 0) return true;
    return false;
  }

  /**
   * The agent for a task, or null when none has credit. `avoid`: an agent to take only when no other has credit, such as
   * the one that failed it last. Does not take the credit: `occupy` does.
   */
  pick(task: TaskSpec, avoid: string | null = null): AgentSlot | null {
    const pools = this.#poolsOfKind.get(task.kind) ?? NO_POOLS;
    const candidates = new KindCandidates(this.#slots, pools, avoid);
    const preferred = task.affinity === null ? undefined : this.#agentOfKey.get(task.affinity);
    const slot =
      (preferred === undefined ? null : candidates.find(preferred)) ??
      this.#choose(task, candidates) ??
      candidates.first() ??
      (avoid === null ? null : new KindCandidates(this.#slots, pools, null).first());
    if (slot !== null && task.affinity !== null) this.#agentOfKey.set(task.affinity, slot.agentId);
    return slot;
  }

  #choose(task: TaskSpec, candidates: KindCandidates): AgentSlot | null {
    const chosen = this.#policy.choose(task, candidates);
    return chosen === null ? null : candidates.find(chosen.agentId);
  }

  #place(slot: AgentSlot): void {
    const { pool } = slot;
    if (!slot.available || slot.used >= slot.credit) {
      this.#unlist(slot);
      return;
    }
    const bucket = bucketOf(slot);
    if (slot.list !== null && slot.bucket === bucket) return;
    this.#unlist(slot);
    slot.bucket = bucket;
    pool.buckets[bucket]?.pushBack(slot);
    pool.occupied |= 1 << bucket;
  }

  #unlist(slot: AgentSlot): void {
    const { list } = slot;
    if (list === null) return;
    list.remove(slot);
    if (list.size === 0) slot.pool.occupied &= ~(1 << slot.bucket);
  }

  #joinPool(kinds: readonly string[]): Pool {
    const unique = [...new Set(kinds)].sort();
    const key = unique.join(' ');
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const buckets = Array.from({ length: BUCKETS }, () => new LinkedList<AgentSlot>());
      pool = { key, kinds: unique, buckets, occupied: 0, members: 0 };
      this.#pools.set(key, pool);
      for (const kind of unique) {
        const pools = this.#poolsOfKind.get(kind);
        if (pools === undefined) this.#poolsOfKind.set(kind, new Set([pool]));
        else pools.add(pool);
      }
    }
    pool.members++;
    return pool;
  }

  #leavePool(pool: Pool): void {
    pool.members--;
    if (pool.members > 0) return;
    this.#pools.delete(pool.key);
    for (const kind of pool.kinds) {
      const pools = this.#poolsOfKind.get(kind);
      pools?.delete(pool);
      if (pools?.size === 0) this.#poolsOfKind.delete(kind);
    }
  }
}

const NO_POOLS: ReadonlySet<Pool> = new Set();

class KindCandidates implements Candidates {
  constructor(
    readonly slots: ReadonlyMap<string, AgentSlot>,
    readonly pools: ReadonlySet<Pool>,
    /** An agent that is no candidate, or null. */
    readonly avoid: string | null,
  ) {}

  first(): AgentSlot | null {
    let best: AgentSlot | null = null;
    for (const pool of this.pools) {
      const slot = this.#firstOf(pool);
      if (slot !== null && (best === null || slot.bucket < best.bucket)) best = slot;
    }
    return best;
  }

  find(agentId: string): AgentSlot | null {
    if (agentId === this.avoid) return null;
    const slot = this.slots.get(agentId);
    return slot !== undefined && slot.list !== null && this.pools.has(slot.pool) ? slot : null;
  }

  take(limit: number): readonly AgentSlot[] {
    const taken: AgentSlot[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      for (const pool of this.pools) {
        for (const slot of pool.buckets[bucket] ?? []) {
          if (taken.length >= limit) return taken;
          if (slot.agentId !== this.avoid) taken.push(slot);
        }
      }
    }
    return taken;
  }

  /** The first of the lowest bucket, or whoever comes after it when that is the one to avoid. */
  #firstOf(pool: Pool): AgentSlot | null {
    for (let bits = pool.occupied; bits !== 0; bits &= bits - 1) {
      const first = pool.buckets[lowestBit(bits)]?.first ?? null;
      if (first === null || first.agentId !== this.avoid) return first;
      if (first.next !== null) return first.next;
    }
    return null;
  }
}

function bucketOf(slot: AgentSlot): number {
  const rank = CREDIT_SHARE * (slot.used / slot.credit) + (1 - CREDIT_SHARE) * slot.load;
  return Math.min(BUCKETS - 1, Math.floor(rank * BUCKETS));
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
