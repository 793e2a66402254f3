import type { ErrorDetail, TaskState } from '../protocol/messages.js';
import type {
  Collection,
  EntryRecord,
  ExperienceRecord,
  LeaseRecord,
  ListedTask,
  RecoveredTask,
  SessionRecord,
  StoredTask,
  TaskSpec,
  TicketKeyRecord,
} from './records.js';

/**
 * The port to durable state. It speaks of tasks, leases, sessions and experiences; how they are laid out is the
 * adapter's affair. Adapters pass the suite in test/store/conformance.ts.
 *
 * Who may change a task is decided by its epoch (compare and set), never by who asks: two coordinators may share a
 * store. An operation whose condition does not hold is refused alone and changes nothing; it does not fail its batch.
 */
export interface Store {
  /**
   * Carries out `operations` in their order as one atomic, durable step.
   *
   * Resolves after the step is durable, with one outcome for each operation, in order. Rejects with a StoreError when
   * it could not be made durable: then nothing of the batch has happened. Batches take effect in the order of the calls.
   */
  commit(operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]>;

  /** Recovery: every session, ticket key and unfinished task, as of the last commit. Called before the first commit. */
  load(): Promise<Recovery>;

  /**
   * The inputs of unfinished tasks, in the order of `taskIds`; null where there is none. May answer while a commit is
   * under way, with what the commits before it have made durable.
   */
  readInputs(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]>;

  /** The states of tasks, in the order of `taskIds`; null where there is none (never was, or no longer kept). */
  readStates(taskIds: readonly string[]): Promise<readonly (TaskState | null)[]>;

  /** The results of completed tasks, in the order of `taskIds`; null where there is none. */
  readResults(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]>;

  /** The task that holds an idempotency key at a time, kept or not; null when the key is free. */
  keyHolder(idempotencyKey: string, at: number): Promise<string | null>;

  /** Reads tasks by id; null where there is none (never was, or no longer kept). In the order of `taskIds`. */
  get(taskIds: readonly string[]): Promise<readonly (StoredTask | null)[]>;

  /** Reads tasks that match, newest submission first, at most `limit`. */
  list(filter: TaskFilter): Promise<readonly ListedTask[]>;

  /** How many tasks there are in each state; a state without any may be missing. */
  count(): Promise<Readonly<Partial<Record<TaskState, number>>>>;

  /**
   * Deletes finished tasks, the earliest finished first, until what is left is within every bound of `rule`. Does so in
   * steps that hold up no commit for long. Resolves with the number deleted. Their idempotency keys stay until they expire.
   */
  prune(rule: RetentionRule, now: number): Promise<number>;

  /**
   * Uses up single-use values: for each, true the first time it is seen, and false ever after. Durable before it
   * resolves. After `expiresAt` an adapter may forget a nonce: whoever made it must refuse it then by its age. A full
   * store answers false, never true by mistake.
   */
  consumeNonces(nonces: readonly Nonce[], now: number): Promise<readonly boolean[]>;

  /** Reads experiences, newest arrival first, at most `limit`. */
  readExperiences(filter: ExperienceFilter): Promise<readonly ExperienceRecord[]>;

  /** Reads values of a collection by key, ascending (UTF-8 bytes), from the one after `after` on, at most `limit`. */
  readEntries(filter: EntryFilter): Promise<readonly EntryRecord[]>;

  /** Waits for commits under way and releases what the adapter holds. Calls after it reject with StoreError `CLOSED`. */
  close(): Promise<void>;
}

/** One change. What each reads, writes and promises stands at its variant. */
export type StoreOp =
  /**
   * Makes a task. Reads the idempotency key. Writes the task: `blocked` when it has needs, else
   * `queued`, or `delayed` when `notBefore` is given.
   * Refused as `duplicate` (with the id of the task that has the key) when the key is held: by an unfinished task, or by
   * one whose `keyHeldUntil` is later than the new one's `submittedAt`. Refused as `conflict` when the task id exists.
   */
  | {
      readonly op: 'submit';
      readonly spec: TaskSpec;
      readonly input: Uint8Array;
      readonly notBefore: number | null;
    }
  /**
   * Gives a task to an agent. Condition: the task is unfinished and its epoch is smaller than the lease's.
   * Writes `leased`, epoch, attempts (the lease's `attempt`), agent. Voids any earlier lease.
   */
  | { readonly op: 'lease'; readonly lease: LeaseRecord }
  /** Moves the deadline of a lease. Condition: the task is leased with this epoch. */
  | { readonly op: 'extend'; readonly taskId: string; readonly epoch: number; readonly deadlineAt: number }
  /** Ends a task with its result. Condition: the task is leased with this epoch. Drops the input. */
  | {
      readonly op: 'complete';
      readonly taskId: string;
      readonly epoch: number;
      readonly finishedAt: number;
      readonly runMs: number;
      readonly result: Uint8Array;
    }
  /** Ends a task without a result: `failed` (not worth another attempt) or `dead` (attempts used up). Keeps the input, for a retry. Condition: leased with this epoch. */
  | {
      readonly op: 'fail';
      readonly taskId: string;
      readonly epoch: number;
      readonly state: 'failed' | 'dead';
      readonly finishedAt: number;
      readonly runMs: number | null;
      readonly error: ErrorDetail;
    }
  /**
   * Takes a lease back. Condition: leased with this epoch. Writes `queued`, or `retrying` when `notBefore` is given.
   * The epoch stays, so that a late result of the lease is refused.
   */
  | {
      readonly op: 'requeue';
      readonly taskId: string;
      readonly epoch: number;
      readonly at: number;
      readonly why: 'fail' | 'timeout' | 'lost';
      readonly notBefore: number | null;
      readonly error: ErrorDetail;
    }
  /** Ends a task because nobody wants it. Condition: unfinished and at this epoch. Keeps the input, for a retry. */
  | { readonly op: 'cancel'; readonly taskId: string; readonly epoch: number; readonly finishedAt: number }
  /**
   * Queues a task once more that `failed`, is `dead` or was `cancelled`. Condition: one of these, at this epoch. Writes
   * `queued` (`blocked` for one with needs that was never released) with 0 attempts; the epoch stays, so that answers to its earlier leases are refused.
   */
  | { readonly op: 'retry'; readonly taskId: string; readonly epoch: number; readonly at: number }
  /**
   * What a task needs is there. Condition: blocked and at this epoch. Writes `queued`, or `delayed` when `notBefore` is
   * given, the note that its needs were met, and the input unless that is null.
   */
  | {
      readonly op: 'release';
      readonly taskId: string;
      readonly epoch: number;
      readonly at: number;
      readonly notBefore: number | null;
      readonly input: Uint8Array | null;
    }
  /**
   * What a task needs will not be there. Condition: blocked and at this epoch. Ends it as `failed`, or `cancelled`: then the
   * error stands in its history alone. Keeps the input, for a retry.
   */
  | {
      readonly op: 'unmet';
      readonly taskId: string;
      readonly epoch: number;
      readonly state: 'failed' | 'cancelled';
      readonly finishedAt: number;
      readonly error: ErrorDetail;
    }
  /** Keeps a ticket key. The same `keyId` is kept once. */
  | { readonly op: 'put-ticket-key'; readonly ticketKey: TicketKeyRecord }
  /** Forgets a ticket key. Always applied. */
  | { readonly op: 'drop-ticket-key'; readonly keyId: string }
  /** Writes an agent's session over the one before. Always applied. */
  | { readonly op: 'put-session'; readonly session: SessionRecord }
  /** Forgets an agent's session. Always applied. */
  | { readonly op: 'drop-session'; readonly agentId: string }
  /** Records an experience. Always applied; the same `experienceId` is recorded once. */
  | { readonly op: 'append-experience'; readonly experience: ExperienceRecord }
  /** Writes a value over the one before. Always applied. */
  | { readonly op: 'put-entry'; readonly entry: EntryRecord }
  /** Forgets a value. Always applied. */
  | { readonly op: 'drop-entry'; readonly collection: Collection; readonly key: string };

/** What became of one operation of a commit. */
export type StoreOutcome =
  | { readonly status: 'applied' }
  /** Only for `submit`: the idempotency key belongs to this task. */
  | { readonly status: 'duplicate'; readonly taskId: string }
  /** The condition did not hold. `epoch` is the task's own; null when there is no such task. */
  | { readonly status: 'conflict'; readonly epoch: number | null };

/** What a coordinator starts from: all that was not finished when the last one ended. */
export interface Recovery {
  readonly sessions: readonly SessionRecord[];
  /** The newest first. */
  readonly ticketKeys: readonly TicketKeyRecord[];
  /** In the order of submission, some thousands at a time. To be walked once, before the first commit. */
  readonly tasks: AsyncIterable<readonly RecoveredTask[]>;
}

/** How much of finished tasks to keep. Null: no bound. */
export interface RetentionRule {
  /** Since they finished. */
  readonly ageMs: number | null;
  readonly tasks: number | null;
  /** Of inputs, results and error texts together. */
  readonly bytes: number | null;
}

/** Which tasks to list; what is left out does not matter. */
export interface TaskFilter {
  readonly state?: TaskState;
  readonly kind?: string;
  /** Only tasks submitted before this one (ids sort by time of submission). */
  readonly before?: string;
  readonly limit: number;
}

/** A number to be used up. */
export interface Nonce {
  readonly value: string;
  readonly expiresAt: number;
}

/** Which entries of a collection to read, and from where on. */
export interface EntryFilter {
  readonly collection: Collection;
  /** Only keys greater than this one; null: from the first. */
  readonly after: string | null;
  readonly limit: number;
}

/** Which experiences to read, and from where on. */
export interface ExperienceFilter {
  readonly agentId?: string;
  readonly taskId?: string;
  readonly limit: number;
}

/** Why a store could not do what it was asked. `FULL`: no room; `CLOSED`: after `close`; `UNAVAILABLE`: anything else. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly reason: 'FULL' | 'CLOSED' | 'UNAVAILABLE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
