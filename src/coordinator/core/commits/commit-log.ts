import type { Message } from '../../../protocol/messages.js';
import type { StoreOp } from '../../../store/store.js';
import type { Session } from '../sessions/sessions.js';
import type { Task } from '../tasks/task.js';

/** What may be said only once the store has what came before. */
export type Reply =
  /** To the client: the task is accepted. */
  | { readonly kind: 'received'; readonly connectionId: string; readonly requestId: number }
  /** To the client: the task waits once more. */
  | { readonly kind: 'retried'; readonly connectionId: string; readonly requestId: number }
  /** To the client: its request took effect. */
  | { readonly kind: 'done'; readonly connectionId: string; readonly requestId: number }
  /** To the client: what it asked to be kept is stored. */
  | { readonly kind: 'kept'; readonly connectionId: string; readonly requestId: number }
  /** To the agent: the result of the lease of this epoch, or the experience, is stored. */
  | {
      readonly kind: 'processed';
      readonly connectionId: string;
      readonly id: string;
      readonly epoch: number;
    }
  /** To the client: how the task stands now, or at its end, or both when that is later. */
  | {
      readonly kind: 'update';
      readonly connectionId: string;
      readonly requestId: number;
      readonly when: 'now' | 'end' | 'now-and-end';
    }
  /** To the agent: it has joined. */
  | { readonly kind: 'joined'; readonly session: Session; readonly joined: JoinedReply }
  /** This very message. */
  | { readonly kind: 'message'; readonly connectionId: string; readonly message: Message };

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
  /** Memory that it takes: about, and never less than its input or result. */
  readonly bytes: number;
}

/**
 * Changes on their way to the store, in order. At most one commit is under way; what is added meanwhile goes into the
 * next (group commit), or into one after that when the next is full. So a failed commit can be tried again without
 * anything overtaking it.
 */
export class CommitLog {
  /** Full ones, oldest first; their ids end just before `#nextId`. */
  readonly #full: CommitEntry[][] = [];
  #pending: CommitEntry[] = [];
  #pendingBytes = 0;
  readonly #fullAt: number;
  #underWay: readonly CommitEntry[] | null = null;
  #underWayId = 0;
  #underWayBytes = 0;
  /** Id of the commit that `#pending` will be. */
  #nextId = 1;
  /** All commits up to this id are durable. */
  #durableId = 0;

  /** `fullAt`: entries from which on a commit takes in no further turn. */
  constructor(fullAt: number) {
    this.#fullAt = fullAt;
  }

  get idle(): boolean {
    return this.#underWay === null && this.pendingCount === 0;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  /** What the next commit will hold, in order. */
  get pending(): readonly CommitEntry[] {
    return this.#full[0] ?? this.#pending;
  }

  /** Whether full parts wait. */
  get isBehind(): boolean {
    return this.#full.length > 0;
  }

  /** Entries that wait for a commit. */
  get pendingCount(): number {
    let count = this.#pending.length;
    for (const { length } of this.#full) count += length;
    return count;
  }

  /** Memory that what is not yet durable takes: about, and never less than its inputs and results. */
  get bytes(): number {
    return this.#pendingBytes + this.#underWayBytes;
  }

  /**
   * A completion goes with what waits about its task already: the store then writes the task once instead of twice. It
   * overtakes other tasks only, and frees credit. A lease that overtook would take credit before it is free.
   */
  add(op: StoreOp, task: Task | null, reply: Reply | null): void {
    const entry = { op, task, reply, bytes: bytesOf(op) };
    const joins = task !== null && op.op === 'complete';
    const full = joins ? this.#full[task.commitId - this.#firstId] : undefined;
    if (full !== undefined) {
      full.push(entry);
      this.#pendingBytes += entry.bytes;
      return;
    }
    if (task !== null) task.commitId = this.#nextId;
    this.#push(entry);
  }

  /** Whether all that happened to the task is in the store. */
  isDurable(task: Task): boolean {
    return task.commitId <= this.#durableId;
  }

  /** Holds a reply about a task back until all that happened to it is in the store. */
  addReply(task: Task, reply: Reply): void {
    this.#push({ op: null, task, reply, bytes: ENTRY_BYTES });
  }

  /** A turn of the event loop is over. What belongs together, a submit and its lease, is within one turn. */
  endTurn(): void {
    if (this.#pending.length < this.#fullAt) return;
    this.#full.push(this.#pending);
    this.#pending = [];
    this.#nextId++;
  }

  /** Holds a reply that is about no task back until all that was added before it is in the store. */
  say(reply: Extract<Reply, { kind: 'message' | 'processed' }>): void {
    this.#push({ op: null, task: null, reply, bytes: ENTRY_BYTES });
  }

  /**
   * Starts the next commit, of at most so many full parts, or returns null when one is under way or nothing waits.
   * @param parts at least 1
   */
  begin(parts = 1): { readonly commitId: number; readonly entries: readonly CommitEntry[] } | null {
    if (this.#underWay !== null) return null;
    const [first, ...more] = this.#full.splice(0, parts);
    let entries = first;
    // the id of the last part: all up to it are durable with it
    let commitId = this.#firstId - 1;
    if (entries === undefined) {
      if (this.#pending.length === 0) return null;
      entries = this.#pending;
      this.#pending = [];
      commitId = this.#nextId++;
    } else if (more.length > 0) {
      entries = entries.concat(...more);
    }
    this.#underWay = entries;
    this.#underWayId = commitId;
    this.#underWayBytes = sumOf(entries);
    this.#pendingBytes -= this.#underWayBytes;
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
    for (const entry of [...entries, ...this.#full.flat(), ...this.#pending]) {
      if (entry.task !== null && lostTasks.has(entry.task)) lost.push(entry);
      else kept.push(entry);
    }
    // One commit for all of it: which entries belonged together is no longer known.
    this.#full.length = 0;
    for (const { op, task } of kept) if (op !== null && task !== null) task.commitId = this.#nextId;
    this.#pending = kept;
    this.#pendingBytes = sumOf(kept);
    return lost;
  }

  /** Takes out what waits for the next commit about these tasks. */
  remove(tasks: ReadonlyMap<Task, unknown>): readonly CommitEntry[] {
    const removed: CommitEntry[] = [];
    const withoutThem = (entries: readonly CommitEntry[]) =>
      entries.filter((entry) => {
        const isTheirs = entry.task !== null && tasks.has(entry.task);
        if (isTheirs) removed.push(entry);
        return !isTheirs;
      });
    // a full one stays, empty perhaps, in its place: ids count them
    this.#full.forEach((entries, index) => (this.#full[index] = withoutThem(entries)));
    this.#pending = withoutThem(this.#pending);
    this.#pendingBytes -= sumOf(removed);
    return removed;
  }

  /** Id of the next commit to begin. */
  get #firstId(): number {
    return this.#nextId - this.#full.length;
  }

  #push(entry: CommitEntry): void {
    this.#pending.push(entry);
    this.#pendingBytes += entry.bytes;
  }

  #takeUnderWay(commitId: number): readonly CommitEntry[] | null {
    const entries = this.#underWay;
    if (entries === null || commitId !== this.#underWayId) return null;
    this.#underWay = null;
    this.#underWayBytes = 0;
    return entries;
  }
}

function sumOf(entries: readonly CommitEntry[]): number {
  let sum = 0;
  for (const { bytes } of entries) sum += bytes;
  return sum;
}

/** What an entry takes besides its bytes, texts included: on the safe side. */
const ENTRY_BYTES = 512;

function bytesOf(op: StoreOp): number {
  switch (op.op) {
    case 'submit':
      return ENTRY_BYTES + op.input.byteLength;
    case 'complete':
      return ENTRY_BYTES + op.result.byteLength;
    case 'put-entry':
      return ENTRY_BYTES + op.entry.value.byteLength;
    case 'release':
      return ENTRY_BYTES + (op.input?.byteLength ?? 0);
    case 'fail':
    case 'unmet':
    case 'requeue':
      return ENTRY_BYTES + 2 * op.error.message.length;
    default:
      return ENTRY_BYTES;
  }
}
