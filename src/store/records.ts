import type { AgentType, ErrorDetail, MessageOf, TaskHistoryEntry } from '../protocol/messages.js';

/**
 * What a store keeps, as values. Times are milliseconds since the Unix epoch on the coordinator's clock.
 * Byte arrays are owned by the record: nobody writes to them after the record is made.
 */

/** What a client asked for. Never changes after the submit, but for the note that its needs were met. */
export interface TaskSpec {
  /** UUID version 7. */
  readonly taskId: string;
  readonly kind: string;
  /** 0 to 10, 10 is dispatched first. */
  readonly priority: number;
  /** How long one attempt may run. */
  readonly timeoutMs: number;
  /** Leases the task may get in all, 1 or more. */
  readonly maxAttempts: number;
  /** Until `keyHeldUntil` the key belongs to this task, also when the task itself is no longer kept. */
  readonly idempotencyKey: string | null;
  /** Null when, and only when, there is no key. An unfinished task holds its key in any case. */
  readonly keyHeldUntil: number | null;
  /** Tasks of one key prefer one agent. */
  readonly affinity: string | null;
  readonly submittedAt: number;
  /** Missing for a task that needs no other. */
  readonly needs?: TaskNeeds;
  /** The trace it belongs to (see protocol/traceparent); missing for a task that was submitted outside of any. */
  readonly traceparent?: string;
}

/** A spec with what few tasks have; without any of it the same object, so that the specs of most tasks have one shape. */
export function specWithMore(
  spec: TaskSpec,
  needs: TaskNeeds | undefined,
  traceparent: string | undefined,
): TaskSpec {
  if (needs === undefined && traceparent === undefined) return spec;
  return {
    ...spec,
    ...(needs === undefined ? {} : { needs }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** The tasks that must have completed before a task may start. */
export interface TaskNeeds {
  /** 1 to MAX_NEEDS, each once. */
  readonly taskIds: readonly string[];
  /** When one of them ends without a result, the task ends as `failed`, or as `cancelled`. */
  readonly onFailed: 'fail' | 'skip';
  /** Those of them whose results its input names: they are put in before it starts. */
  readonly inserts: readonly string[];
  /** All of them had completed once: a retry does not wait for them again, and they may be forgotten. */
  readonly met?: true;
}

/** A spec that notes that its needs were met. */
export function specWithNeedsMet(spec: TaskSpec): TaskSpec {
  return spec.needs === undefined ? spec : { ...spec, needs: { ...spec.needs, met: true } };
}

/** The right of one agent to work on one task until the deadline. `epoch` fences: a larger one voids all smaller ones. */
export interface LeaseRecord {
  readonly taskId: string;
  /** From 1. */
  readonly attempt: number;
  /** Grows with each lease of the task; not always by one. */
  readonly epoch: number;
  readonly agentId: string;
  readonly coordinatorId: string;
  readonly leasedAt: number;
  readonly deadlineAt: number;
}

/** Where a task stands in the store. `running` is not told apart from `leased`: progress lives in memory only. */
export type StoredState =
  | { readonly state: 'queued' }
  | { readonly state: 'delayed'; readonly notBefore: number }
  /** Waits for the tasks it needs, and then until `delayedUntil`. */
  | { readonly state: 'blocked'; readonly delayedUntil: number | null }
  | { readonly state: 'leased'; readonly lease: LeaseRecord }
  | { readonly state: 'retrying'; readonly notBefore: number; readonly error: ErrorDetail }
  | {
      readonly state: 'completed';
      readonly finishedAt: number;
      readonly runMs: number;
      readonly result: Uint8Array;
    }
  | {
      readonly state: 'failed' | 'dead';
      readonly finishedAt: number;
      readonly runMs: number | null;
      readonly error: ErrorDetail;
    }
  | { readonly state: 'cancelled'; readonly finishedAt: number };

/** One thing that happened to a task, as the store keeps it. `progress` and `recover` are not kept. */
export type HistoryEntry = TaskHistoryEntry;

/** A task as a store gives it back. */
export interface StoredTask {
  readonly spec: TaskSpec;
  /** The submitted payload; null once the task is completed. */
  readonly input: Uint8Array | null;
  /** Of the latest lease; 0 before the first. */
  readonly epoch: number;
  /** Leases so far. */
  readonly attempts: number;
  /** Agent of the latest lease. */
  readonly agentId: string | null;
  /** Start of the latest lease. */
  readonly leasedAt: number | null;
  readonly current: StoredState;
  /** Oldest first: the first entry and the latest of the rest, at most HISTORY_LIMIT. */
  readonly history: readonly HistoryEntry[];
}

/** Entries kept of a task's history. */
export const HISTORY_LIMIT = 32;

/** A task in a list: without its bytes and its story. */
export interface ListedTask extends Omit<StoredTask, 'input' | 'history' | 'current'> {
  readonly current:
    | Exclude<StoredState, { state: 'completed' }>
    | Omit<Extract<StoredState, { state: 'completed' }>, 'result'>;
}

/** An unfinished task as recovery finds it. Its input stays in the store until it is asked for. */
export interface RecoveredTask extends Omit<StoredTask, 'input' | 'history' | 'current'> {
  readonly inputBytes: number;
  readonly current: Extract<StoredState, { state: 'queued' | 'delayed' | 'blocked' | 'leased' | 'retrying' }>;
}

/** A key of TLS session tickets. Tickets of a key that is no longer kept are refused: a full handshake follows. */
export interface TicketKeyRecord {
  readonly keyId: string;
  /** 48 bytes. */
  readonly key: Uint8Array;
  readonly createdAt: number;
}

/** What survives of an agent's session, so that it can be resumed after a restart or at another coordinator. */
export interface SessionRecord {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** SHA-256 of the session token in lower-case hex; the token itself is kept nowhere. */
  readonly tokenHash: string;
  /** Of the token before: valid until the agent has been heard on the connection that brought it the new one. */
  readonly previousTokenHash: string | null;
  /** Fingerprint of the client certificate it was opened with. */
  readonly certificate: string | null;
  readonly startedAt: number;
}

/**
 * Small durable values that belong to no task, by what they are:
 * `schedule`: a recurring task, by its name; `paused-kind`: by the kind; `forecast`, `adaptation`, `memory`,
 * `bank-snapshot`: what the ReasoningBank has to remember; `checkpoint`: a model in training, by its task; `pattern`: a
 * pattern that was looked for and what came of it, by its task.
 */
export const COLLECTIONS = [
  'schedule',
  'paused-kind',
  'forecast',
  'adaptation',
  'memory',
  'bank-snapshot',
  'checkpoint',
  'pattern',
  'secret',
] as const;
/** The collections of small values that a store keeps by key. */
export type Collection = (typeof COLLECTIONS)[number];

/** One of them: opaque bytes under a key of 1 to 512 characters. */
export interface EntryRecord {
  readonly collection: Collection;
  readonly key: string;
  readonly value: Uint8Array;
}

/** An agent's account of one action and its outcome, with the coordinator's time of arrival. */
export interface ExperienceRecord extends Omit<MessageOf<'ReasoningExperience'>, 'type'> {
  readonly receivedAt: number;
}
