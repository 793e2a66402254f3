import { setImmediate } from 'node:timers/promises';
import { ownBytes } from '../protocol/byte-slabs.js';
import type { TaskState } from '../protocol/messages.js';
import { historyEntryOf, withRoom } from './history.js';
import { MemoryKeys } from './memory-keys.js';
import { MemoryNonces } from './memory-nonces.js';
import { MemoryRetention } from './memory-retention.js';
import { isFinished, listed, queuedAgain, recovered, waitingState, type MemoryRow } from './memory-row.js';
import {
  specWithNeedsMet,
  type Collection,
  type EntryRecord,
  type ExperienceRecord,
  type ListedTask,
  type RecoveredTask,
  type SessionRecord,
  type StoredState,
  type StoredTask,
  type TicketKeyRecord,
} from './records.js';
import {
  StoreError,
  type EntryFilter,
  type ExperienceFilter,
  type Nonce,
  type Recovery,
  type RetentionRule,
  type Store,
  type StoreOp,
  type StoreOutcome,
  type TaskFilter,
} from './store.js';

/** How much a MemoryStore holds. Unfinished tasks are bounded by whoever submits; over a limit the oldest go first. */
export interface MemoryStoreLimits {
  /** Finished tasks kept for `get` and `list`. */
  readonly finishedTasks: number;
  /** Bytes that finished tasks keep: inputs, results, errors. */
  readonly finishedBytes: number;
  /** Idempotency keys of finished and forgotten tasks. */
  readonly idempotencyKeys: number;
  readonly experiences: number;
  /** Nonces that have not expired; when full, `consumeNonces` answers false. */
  readonly nonces: number;
}

export const DEFAULT_MEMORY_STORE_LIMITS: MemoryStoreLimits = {
  finishedTasks: 100_000,
  finishedBytes: 256 * 1024 * 1024,
  idempotencyKeys: 1_000_000,
  experiences: 100_000,
  nonces: 1_000_000,
};

const APPLIED: StoreOutcome = { status: 'applied' };
/** Tasks in one chunk of a recovery. */
const CHUNK = 4096;
/** Tasks that a prune deletes before it lets others have a turn. */
const PRUNE_STEP = 10_000;

/** The Store in memory: durable as long as the process. For tests, and for a coordinator without a data directory. */
export class MemoryStore implements Store {
  readonly #limits: MemoryStoreLimits;
  /** In the order of submission. */
  readonly #rows = new Map<string, MemoryRow>();
  readonly #counts = new Map<TaskState, number>();
  readonly #finished: MemoryRetention;
  readonly #keys: MemoryKeys;
  readonly #nonces: MemoryNonces;
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #ticketKeys = new Map<string, TicketKeyRecord>();
  /** In the order of arrival. */
  readonly #experiences = new Map<string, ExperienceRecord>();
  readonly #entries = new Map<Collection, Map<string, EntryRecord>>();
  #closed = false;

  constructor(limits: Partial<MemoryStoreLimits> = {}) {
    this.#limits = { ...DEFAULT_MEMORY_STORE_LIMITS, ...limits };
    this.#finished = new MemoryRetention((row) => this.#forget(row));
    this.#keys = new MemoryKeys(this.#limits.idempotencyKeys, (taskId) => this.#isUnfinished(taskId));
    this.#nonces = new MemoryNonces(this.#limits.nonces);
  }

  commit(operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]> {
    if (this.#closed) return refuseClosed();
    const outcomes: StoreOutcome[] = [];
    for (const operation of operations) outcomes.push(this.#apply(operation));
    const { finishedTasks: tasks, finishedBytes: bytes, experiences } = this.#limits;
    this.#finished.prune({ ageMs: null, tasks, bytes }, 0, Infinity);
    dropOldest(this.#experiences, experiences);
    return Promise.resolve(outcomes);
  }

  load(): Promise<Recovery> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve({
      sessions: [...this.#sessions.values()],
      ticketKeys: [...this.#ticketKeys.values()].sort((a, b) => b.createdAt - a.createdAt),
      tasks: this.#unfinished(),
    });
  }

  async *#unfinished(): AsyncGenerator<readonly RecoveredTask[]> {
    if (this.#closed) await refuseClosed();
    let chunk: RecoveredTask[] = [];
    for (const row of this.#rows.values()) {
      const task = recovered(row);
      if (task === null) continue;
      chunk.push(task);
      if (chunk.length < CHUNK) continue;
      yield chunk;
      if (this.#closed) await refuseClosed();
      chunk = [];
    }
    if (chunk.length > 0) yield chunk;
  }

  readInputs(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(
      taskIds.map((taskId) => {
        const row = this.#rows.get(taskId);
        return row === undefined || isFinished(row.current) ? null : row.input;
      }),
    );
  }

  readStates(taskIds: readonly string[]): Promise<readonly (TaskState | null)[]> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(taskIds.map((taskId) => this.#rows.get(taskId)?.current.state ?? null));
  }

  readResults(taskIds: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(
      taskIds.map((taskId) => {
        const current = this.#rows.get(taskId)?.current;
        return current?.state === 'completed' ? current.result : null;
      }),
    );
  }

  keyHolder(idempotencyKey: string, at: number): Promise<string | null> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(this.#keys.holder(idempotencyKey, at));
  }

  get(taskIds: readonly string[]): Promise<readonly (StoredTask | null)[]> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(
      taskIds.map((taskId) => {
        const row = this.#rows.get(taskId);
        return row === undefined ? null : { ...row };
      }),
    );
  }

  list(filter: TaskFilter): Promise<readonly ListedTask[]> {
    if (this.#closed) return refuseClosed();
    const found: MemoryRow[] = [];
    for (const row of this.#rows.values()) {
      if (filter.state !== undefined && row.current.state !== filter.state) continue;
      if (filter.kind !== undefined && row.spec.kind !== filter.kind) continue;
      if (filter.before !== undefined && row.spec.taskId >= filter.before) continue;
      found.push(row);
    }
    found.sort((a, b) => (a.spec.taskId < b.spec.taskId ? 1 : -1));
    return Promise.resolve(found.slice(0, filter.limit).map(listed));
  }

  count(): Promise<Readonly<Partial<Record<TaskState, number>>>> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(Object.fromEntries(this.#counts));
  }

  async prune(rule: RetentionRule, now: number): Promise<number> {
    if (this.#closed) return refuseClosed();
    let pruned = this.#finished.prune(rule, now, PRUNE_STEP);
    for (let step = pruned; step === PRUNE_STEP; pruned += step) {
      await setImmediate();
      step = this.#finished.prune(rule, now, PRUNE_STEP);
    }
    this.#keys.forgetExpired(now);
    return pruned;
  }

  consumeNonces(nonces: readonly Nonce[], now: number): Promise<readonly boolean[]> {
    if (this.#closed) return refuseClosed();
    return Promise.resolve(nonces.map((nonce) => this.#nonces.consume(nonce, now)));
  }

  readExperiences(filter: ExperienceFilter): Promise<readonly ExperienceRecord[]> {
    if (this.#closed) return refuseClosed();
    const found: ExperienceRecord[] = [];
    for (const experience of [...this.#experiences.values()].reverse()) {
      if (found.length >= filter.limit) break;
      if (filter.agentId !== undefined && experience.agentId !== filter.agentId) continue;
      if (filter.taskId !== undefined && experience.taskId !== filter.taskId) continue;
      found.push(experience);
    }
    return Promise.resolve(found);
  }

  readEntries({ collection, after, limit }: EntryFilter): Promise<readonly EntryRecord[]> {
    if (this.#closed) return refuseClosed();
    const keys = [...(this.#entries.get(collection)?.values() ?? [])]
      .map((entry) => ({ entry, bytes: Buffer.from(entry.key) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const from = after === null ? null : Buffer.from(after);
    const found = from === null ? keys : keys.filter(({ bytes }) => Buffer.compare(bytes, from) > 0);
    return Promise.resolve(found.slice(0, limit).map(({ entry }) => entry));
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #apply(operation: StoreOp): StoreOutcome {
    switch (operation.op) {
      case 'submit':
        return this.#submit(operation);
      case 'lease': {
        const { lease } = operation;
        const row = this.#rows.get(lease.taskId);
        if (row === undefined || isFinished(row.current) || row.epoch >= lease.epoch) return conflict(row);
        row.epoch = lease.epoch;
        row.attempts = lease.attempt;
        row.agentId = lease.agentId;
        row.leasedAt = lease.leasedAt;
        return this.#move(row, operation, { state: 'leased', lease });
      }
      case 'extend': {
        const row = this.#rows.get(operation.taskId);
        if (row?.current.state !== 'leased' || row.epoch !== operation.epoch) return conflict(row);
        row.current = { state: 'leased', lease: { ...row.current.lease, deadlineAt: operation.deadlineAt } };
        return APPLIED;
      }
      case 'complete': {
        const { finishedAt, runMs, result } = operation;
        return this.#endLease(operation, { state: 'completed', finishedAt, runMs, result: ownBytes(result) });
      }
      case 'fail': {
        const { state, finishedAt, runMs, error } = operation;
        return this.#endLease(operation, { state, finishedAt, runMs, error });
      }
      case 'requeue': {
        const { notBefore, error } = operation;
        const waits: StoredState =
          notBefore === null ? { state: 'queued' } : { state: 'retrying', notBefore, error };
        return this.#endLease(operation, waits);
      }
      case 'cancel': {
        const row = this.#rows.get(operation.taskId);
        if (row === undefined || isFinished(row.current) || row.epoch !== operation.epoch)
          return conflict(row);
        return this.#move(row, operation, { state: 'cancelled', finishedAt: operation.finishedAt });
      }
      case 'retry': {
        const row = this.#rows.get(operation.taskId);
        if (row === undefined || !isRetryable(row.current) || row.epoch !== operation.epoch)
          return conflict(row);
        row.attempts = 0;
        if (row.spec.idempotencyKey !== null) this.#keys.retake(row.spec, operation.at);
        return this.#move(row, operation, queuedAgain(row.spec));
      }
      case 'release': {
        const { taskId, epoch, notBefore, input } = operation;
        const row = this.#rows.get(taskId);
        if (row?.current.state !== 'blocked' || row.epoch !== epoch) return conflict(row);
        row.spec = specWithNeedsMet(row.spec);
        if (input !== null) row.input = input;
        return this.#move(row, operation, waitingState(undefined, notBefore));
      }
      case 'unmet': {
        const { taskId, epoch, state, finishedAt, error } = operation;
        const row = this.#rows.get(taskId);
        if (row?.current.state !== 'blocked' || row.epoch !== epoch) return conflict(row);
        const ended: StoredState =
          state === 'cancelled' ? { state, finishedAt } : { state, finishedAt, runMs: null, error };
        return this.#move(row, operation, ended);
      }
      case 'put-ticket-key': {
        const { ticketKey } = operation;
        if (!this.#ticketKeys.has(ticketKey.keyId)) this.#ticketKeys.set(ticketKey.keyId, ticketKey);
        return APPLIED;
      }
      case 'drop-ticket-key':
        this.#ticketKeys.delete(operation.keyId);
        return APPLIED;
      case 'put-session':
        this.#sessions.set(operation.session.agentId, operation.session);
        return APPLIED;
      case 'drop-session':
        this.#sessions.delete(operation.agentId);
        return APPLIED;
      case 'append-experience': {
        const { experience } = operation;
        if (!this.#experiences.has(experience.experienceId)) {
          this.#experiences.set(experience.experienceId, experience);
        }
        return APPLIED;
      }
      case 'put-entry': {
        const { entry } = operation;
        const entries = this.#entries.get(entry.collection);
        if (entries === undefined) this.#entries.set(entry.collection, new Map([[entry.key, entry]]));
        else entries.set(entry.key, entry);
        return APPLIED;
      }
      case 'drop-entry':
        this.#entries.get(operation.collection)?.delete(operation.key);
        return APPLIED;
    }
  }

  #submit(operation: Extract<StoreOp, { op: 'submit' }>): StoreOutcome {
    const { spec, input, notBefore } = operation;
    if (spec.idempotencyKey !== null) {
      const holder = this.#keys.holder(spec.idempotencyKey, spec.submittedAt);
      if (holder !== null) return { status: 'duplicate', taskId: holder };
    }
    const existing = this.#rows.get(spec.taskId);
    if (existing !== undefined) return conflict(existing);
    this.#keys.take(spec);
    const row: MemoryRow = {
      spec,
      input: ownBytes(input),
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: waitingState(spec.needs, notBefore),
      history: [],
    };
    this.#rows.set(spec.taskId, row);
    this.#add(row.current.state, 1);
    this.#record(row, operation);
    return APPLIED;
  }

  #endLease(
    operation: Extract<StoreOp, { op: 'complete' | 'fail' | 'requeue' }>,
    next: StoredState,
  ): StoreOutcome {
    const row = this.#rows.get(operation.taskId);
    if (row?.current.state !== 'leased' || row.epoch !== operation.epoch) return conflict(row);
    return this.#move(row, operation, next);
  }

  #move(row: MemoryRow, operation: StoreOp, next: StoredState): StoreOutcome {
    if (isFinished(row.current)) this.#finished.remove(row);
    this.#add(row.current.state, -1);
    this.#add(next.state, 1);
    row.current = next;
    if (next.state === 'completed') row.input = null;
    this.#record(row, operation);
    if (isFinished(next)) this.#finished.add(row);
    return APPLIED;
  }

  #record(row: MemoryRow, operation: StoreOp): void {
    const entry = historyEntryOf(operation);
    if (entry !== null) row.history = [...withRoom(row.history), entry];
  }

  #add(state: TaskState, difference: number): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + difference);
  }

  #forget(row: MemoryRow): void {
    this.#rows.delete(row.spec.taskId);
    this.#add(row.current.state, -1);
  }

  #isUnfinished(taskId: string): boolean {
    const row = this.#rows.get(taskId);
    return row !== undefined && !isFinished(row.current);
  }
}

function refuseClosed(): Promise<never> {
  return Promise.reject(new StoreError('CLOSED', 'the store is closed'));
}

function isRetryable(current: StoredState): boolean {
  return current.state === 'failed' || current.state === 'dead' || current.state === 'cancelled';
}

function conflict(row: MemoryRow | undefined): StoreOutcome {
  return { status: 'conflict', epoch: row?.epoch ?? null };
}

function dropOldest(entries: Map<string, unknown>, limit: number): void {
  if (entries.size <= limit) return;
  for (const key of entries.keys()) {
    if (entries.size <= limit) break;
    entries.delete(key);
  }
}
