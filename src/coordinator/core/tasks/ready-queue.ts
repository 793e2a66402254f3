import type { ReadyFigures } from '../../../observe/metrics/snapshot.js';
import { LinkedList } from '../../../collections/linked-list.js';
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

type CanTake = (kind: string) => boolean;

/** The ready tasks of one kind and one priority, oldest first. */
class Lane extends LinkedList<Task> {
  /** How often another lane went first while this one's head was overdue. */
  passed = 0;

  constructor(
    readonly kind: string,
    readonly priority: number,
  ) {
    super();
  }

  get readyAt(): number {
    return this.first?.readyAt ?? Infinity;
  }
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
 * Add and remove are O(1); `peek` is O(lanes that are not empty), of which there are at most 11 for each kind.
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

  has(task: Task): boolean {
    return task.list instanceof Lane;
  }

  /** Puts a task in. `returning`: at the head of its lane instead of the end. */
  add(task: Task, returning: boolean): void {
    if (this.has(task)) return;
    const lane = this.#laneOf(task);
    if (returning) lane.pushFront(task);
    else lane.pushBack(task);
    if (lane.size === 1) this.#occupied.add(lane);
    this.#size++;
  }

  /** Takes a task out wherever it stands; does nothing when it is not in. */
  remove(task: Task): void {
    const lane = task.list;
    if (!(lane instanceof Lane)) return;
    lane.remove(task);
    this.#size--;
    if (lane.size > 0) return;
    lane.passed = 0;
    this.#occupied.delete(lane);
  }

  /** The task to dispatch next among the kinds for which `canTake` holds, or null. Leaves it in: `take` takes it out. */
  peek(canTake: CanTake, now: number): Task | null {
    const overdueBefore = now - this.#ageing.overdueMs;
    const urgent = this.#mostUrgent(canTake);
    if (urgent === null) return null;
    const overdue = this.#countOverdue(urgent, canTake, overdueBefore);
    return (overdue === 0 ? urgent : this.#owed(urgent, overdue, canTake, overdueBefore)).first;
  }

  /** Takes out what `peek` gave for the same arguments; the overdue lanes it passes over count it. */
  take(task: Task, canTake: CanTake, now: number): void {
    if (this.#occupied.size > 1) {
      const overdueBefore = now - this.#ageing.overdueMs;
      const urgent = this.#mostUrgent(canTake);
      for (const lane of this.#occupied) {
        if (lane !== urgent && lane.readyAt <= overdueBefore && canTake(lane.kind)) lane.passed++;
      }
    }
    if (task.list instanceof Lane) task.list.passed = 0;
    this.remove(task);
  }

  /** Ready tasks by kind; kinds without any are left out. */
  countByKind(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { kind, size } of this.#occupied) counts.set(kind, (counts.get(kind) ?? 0) + size);
    return counts;
  }

  /** Depth and age of each lane that holds tasks. */
  figures(now: number): readonly ReadyFigures[] {
    return [...this.#occupied].map(({ kind, priority, size, readyAt }) => ({
      kind,
      priority,
      depth: size,
      oldestMs: Math.max(0, now - readyAt),
    }));
  }

  /**
   * About the next `limit` tasks to be dispatched among the kinds for which `canTake` holds: of each lane as many as ageing
   * may choose, and at least its head, and then lane after lane by urgency. O(limit + lanes).
   */
  ahead(canTake: CanTake, limit: number): Task[] {
    const lanes = [...this.#occupied].filter((lane) => canTake(lane.kind)).sort(byUrgency);
    const share = Math.max(1, Math.ceil(limit / (this.#ageing.passes + 1) / lanes.length));
    const tasks: Task[] = [];
    const following = lanes.map((lane) => {
      let task = lane.first;
      for (let i = 0; i < share && task !== null && tasks.length < limit; i++) {
        tasks.push(task);
        task = task.next;
      }
      return task;
    });
    for (let task of following) {
      for (; task !== null && tasks.length < limit; task = task.next) tasks.push(task);
    }
    return tasks;
  }

  #mostUrgent(canTake: CanTake): Lane | null {
    let urgent: Lane | null = null;
    for (const lane of this.#occupied) {
      if (canTake(lane.kind) && (urgent === null || byUrgency(lane, urgent) < 0)) urgent = lane;
    }
    return urgent;
  }

  /** Overdue lanes besides the most urgent one. */
  #countOverdue(urgent: Lane, canTake: CanTake, overdueBefore: number): number {
    if (this.#occupied.size === 1) return 0;
    let overdue = 0;
    for (const lane of this.#occupied) {
      if (lane !== urgent && lane.readyAt <= overdueBefore && canTake(lane.kind)) overdue++;
    }
    return overdue;
  }

  /** The overdue lane whose turn has come, else `urgent`. */
  #owed(urgent: Lane, overdue: number, canTake: CanTake, overdueBefore: number): Lane {
    const passes = this.#ageing.passes * overdue;
    let winner = urgent;
    for (const lane of this.#occupied) {
      if (lane === urgent || lane.passed < passes) continue;
      if (lane.readyAt > overdueBefore || !canTake(lane.kind)) continue;
      if (winner === urgent || lane.readyAt < winner.readyAt) winner = lane;
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
      lane = new Lane(kind, priority);
      lanes[priority] = lane;
    }
    return lane;
  }

  #forgetEmptyKinds(): void {
    for (const [kind, lanes] of this.#lanes) {
      if (lanes.every((lane) => lane === null || lane.size === 0)) this.#lanes.delete(kind);
    }
  }
}

/** Negative when the first goes before the second. */
function byUrgency(one: Lane, other: Lane): number {
  return other.priority - one.priority || one.readyAt - other.readyAt;
}
