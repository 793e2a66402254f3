import type { StoreOp } from '../store/store.js';
import type { Session } from './sessions.js';
import type { Task } from './task.js';

/** What may be said only once the store has what came before. */
export type Reply =
  /** To the client: the task is accepted. */
  | { readonly kind: 'received'; readonly connectionId: string; readonly requestId: number }
  /** To the client: its request took effect. */
  | { readonly kind: 'done'; readonly connectionId: string; readonly requestId: number }
  /** To the agent: the result is stored. */
  | { readonly kind: 'processed'; readonly connectionId: string; readonly id: string }
  /** To the client: how the task stands. */
  | { readonly kind: 'update'; readonly connectionId: string; readonly requestId: number }
  /** To the agent: it has joined. */
  | { readonly kind: 'joined'; readonly session: Session; readonly joined: JoinedReply };

/** The parts of AgentAck that are known at the handshake. */
export interface JoinedReply {
  readonly connectionId: string;
  readonly protocolVersion: number;
  readonly sessionToken: string;
  readonly resumed: boolean;
  readonly abortedTasks: { readonly taskId: string; readonly attempt: number; readonly epoch: number }[];
}

/** One operation with what hangs on it. Without an operation: a reply that waits for those before it. */
export interface CommitEntry {
  readonly op: StoreOp | null;
  readonly task: Task | null;
  readonly reply: Reply | null;
}

/**
 * Changes on their way to the store, in order. At most one commit is under way; what is added meanwhile goes into the
 * next (group commit). So a failed commit can be tried again without anything overtaking it.
 */
export class CommitLog {
  #pending: CommitEntry[] = [];
  #underWay: readonly CommitEntry[] | null = null;
  /** Id of the commit that `#pending` will be. */
  #nextId = 1;
  /** All commits up to this id are durable. */
  #durableId = 0;

  get idle(): boolean {
    return this.#underWay === null && this.#pending.length === 0;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  add(op: StoreOp, task: Task | null, reply: Reply | null): void {
    if (task !== null) task.commitId = this.#nextId;
    this.#pending.push({ op, task, reply });
  }

  /** Whether all that happened to the task is in the store. */
  isDurable(task: Task): boolean {
    return task.commitId <= this.#durableId;
  }

  /** Holds a reply about a task back until all that happened to it is in the store. */
  addReply(task: Task, reply: Reply): void {
    this.#pending.push({ op: null, task, reply });
  }

  /** Starts the next commit, or returns null when one is under way or nothing waits. */
  begin(): { readonly commitId: number; readonly entries: readonly CommitEntry[] } | null {
    if (this.#underWay !== null || this.#pending.length === 0) return null;
    const entries = this.#pending;
    const commitId = this.#nextId++;
    this.#pending = [];
    this.#underWay = entries;
    return { commitId, entries };
  }

  /** The commit under way is durable. Null when the id is not its. */
  succeed(commitId: number): readonly CommitEntry[] | null {
    const entries = this.#takeUnderWay(commitId);
    if (entries !== null) this.#durableId = commitId;
    return entries;
  }

  /**
   * The commit under way failed. Where it held an entry for which `givenUp` is true, all that is not yet stored of that
   * entry's task is taken out and returned; the rest waits for the next commit, in its order. Null when the id is not the commit's.
   */
  fail(commitId: number, givenUp: (entry: CommitEntry) => boolean): readonly CommitEntry[] | null {
    const entries = this.#takeUnderWay(commitId);
    if (entries === null) return null;
    const lostTasks = new Set<Task>();
    for (const entry of entries) if (entry.task !== null && givenUp(entry)) lostTasks.add(entry.task);
    const lost: CommitEntry[] = [];
    const kept: CommitEntry[] = [];
    for (const entry of [...entries, ...this.#pending]) {
      if (entry.task !== null && lostTasks.has(entry.task)) lost.push(entry);
      else kept.push(entry);
    }
    for (const { op, task } of kept) if (op !== null && task !== null) task.commitId = this.#nextId;
    this.#pending = kept;
    return lost;
  }

  /** Takes out what waits for the next commit about this task. */
  remove(task: Task): readonly CommitEntry[] {
    const removed = this.#pending.filter((entry) => entry.task === task);
    if (removed.length > 0) this.#pending = this.#pending.filter((entry) => entry.task !== task);
    return removed;
  }

  #takeUnderWay(commitId: number): readonly CommitEntry[] | null {
    const entries = this.#underWay;
    if (entries === null || commitId !== this.#nextId - 1) return null;
    this.#underWay = null;
    return entries;
  }
}
