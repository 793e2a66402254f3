import { LinkedList } from './linked-list.js';
import type { Task } from './task.js';

/** When waiting starts to count more than priority. */
export interface AgeingRule {
  /** A task that has been ready this long is overdue. */
  readonly overdueMs: number;
  /** Of this many dispatches and one, one on average is taken out of turn for the overdue. */
  readonly passes: number;
}

export const DEFAULT_AGEING: AgeingRule = { overdueMs: 30_000, passes: 8 };

const PRIORITIES = 11;
/** Kinds come and go with agents: over this many, those without tasks are forgotten. */
const KINDS_REMEMBERED = 1024;

/** The ready tasks of one kind and one priority, oldest first. */
interface Lane {
  readonly kind: string;
  readonly priority: number;
  readonly tasks: LinkedList<Task>;
  /** How often another lane went first while this one's head was overdue. */
  passed: number;
}

/**
 * Tasks that wait for an agent.
 *
 * Order: the highest priority first; within a priority the one that has waited longest, over all kinds that can be
 * taken now. Ageing: when the head of a lane (kind and priority) has waited `overdueMs`, the lane counts the dispatches
 * that pass it over though an agent could take its task; after `passes` × (overdue lanes) of them it goes first, the
 * oldest head before the others. So nothing starves, and yet urgent work never waits behind a backlog: on average it has
 * `passes` of `passes` + 1 dispatches.
 *
 * A task that comes back (its agent was lost, its backoff is over) goes to the head of its lane with the age it had.
 *
 * Add and remove are O(1); `next` is O(lanes that are not empty), of which there are at most 11 for each kind.
 */
export class ReadyQueue {
  readonly #ageing: AgeingRule;
  readonly #lanes = new Map<string, (Lane | null)[]>();
  /** All and only the lanes that hold tasks. */
  readonly #occupied = new Set<Lane>();
  #size = 0;

  constructor(ageing: AgeingRule = DEFAULT_AGEING) {
    this.#ageing = ageing;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts a task in. `returning`: at the head of its lane instead of the end. */
  add(task: Task, returning: boolean): void {
    if (task.ready !== null) return;
    const lane = this.#laneOf(task);
    task.ready = returning ? lane.tasks.pushFront(task) : lane.tasks.pushBack(task);
    if (lane.tasks.size === 1) this.#occupied.add(lane);
    this.#size++;
  }

  /** Takes a task out wherever it stands; does nothing when it is not in. */
  remove(task: Task): void {
    if (task.ready === null) return;
    const lane = this.#laneOf(task);
    lane.tasks.remove(task.ready);
    task.ready = null;
    this.#size--;
    if (lane.tasks.size > 0) return;
    lane.passed = 0;
    this.#occupied.delete(lane);
  }

  /** Takes out the task to dispatch next among the kinds for which `canTake` holds, or null. */
  next(canTake: (kind: string) => boolean, now: number): Task | null {
    const overdueBefore = now - this.#ageing.overdueMs;
    let urgent: Lane | null = null;
    let overdue = 0;
    for (const lane of this.#occupied) {
      if (!canTake(lane.kind)) continue;
      if (readyAt(lane) <= overdueBefore) overdue++;
      if (urgent === null || goesBefore(lane, urgent)) urgent = lane;
    }
    if (urgent === null) return null;
    if (readyAt(urgent) <= overdueBefore) overdue--;
    const winner = overdue === 0 ? urgent : this.#letOverdueGo(urgent, overdue, canTake, overdueBefore);
    winner.passed = 0;
    const task = winner.tasks.first?.value ?? null;
    if (task !== null) this.remove(task);
    return task;
  }

  /** Ready tasks by kind; kinds without any are left out. */
  countByKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const lane of this.#occupied) counts[lane.kind] = (counts[lane.kind] ?? 0) + lane.tasks.size;
    return counts;
  }

  /** The overdue lane whose turn has come, else `urgent`; the others count one more pass. */
  #letOverdueGo(
    urgent: Lane,
    overdue: number,
    canTake: (kind: string) => boolean,
    overdueBefore: number,
  ): Lane {
    const passes = this.#ageing.passes * overdue;
    let winner = urgent;
    for (const lane of this.#occupied) {
      if (lane === urgent || readyAt(lane) > overdueBefore || !canTake(lane.kind)) continue;
      const isOwed = lane.passed >= passes;
      lane.passed++;
      if (isOwed && (winner === urgent || readyAt(lane) < readyAt(winner))) winner = lane;
    }
    return winner;
  }

  #laneOf(task: Task): Lane {
    const { kind, priority } = task.spec;
    let lanes = this.#lanes.get(kind);
    if (lanes === undefined) {
      if (this.#lanes.size >= KINDS_REMEMBERED) this.#forgetEmptyKinds();
      lanes = new Array<Lane | null>(PRIORITIES).fill(null);
      this.#lanes.set(kind, lanes);
    }
    let lane = lanes[priority] ?? null;
    if (lane === null) {
      lane = { kind, priority, tasks: new LinkedList(), passed: 0 };
      lanes[priority] = lane;
    }
    return lane;
  }

  #forgetEmptyKinds(): void {
    for (const [kind, lanes] of this.#lanes) {
      if (lanes.every((lane) => lane === null || lane.tasks.size === 0)) this.#lanes.delete(kind);
    }
  }
}

function goesBefore(lane: Lane, other: Lane): boolean {
  if (lane.priority !== other.priority) return lane.priority > other.priority;
  return readyAt(lane) < readyAt(other);
}

function readyAt(lane: Lane): number {
  return lane.tasks.first?.value.readyAt ?? Infinity;
}
