import type { ErrorDetail } from '../protocol/messages.js';
import type { ExperienceRecord, SessionRecord, StoredState, StoredTask, TaskSpec } from './records.js';
import {
  StoreError,
  type ExperienceFilter,
  type Nonce,
  type RecoveredState,
  type Store,
  type StoreOp,
  type StoreOutcome,
  type TaskFilter,
} from './store.js';

/** How much a MemoryStore holds. Unfinished tasks are bounded by whoever submits; over a limit the oldest go first. */
export interface MemoryStoreLimits {
  /** Finished tasks kept for `get`, `list` and idempotency keys. */
  readonly finishedTasks: number;
  /** Bytes of the results of finished tasks. */
  readonly resultBytes: number;
  readonly experiences: number;
  /** Nonces that have not expired; when full, `consumeNonces` answers false. */
  readonly nonces: number;
}

export const DEFAULT_MEMORY_STORE_LIMITS: MemoryStoreLimits = {
  finishedTasks: 100_000,
  resultBytes: 256 * 1024 * 1024,
  experiences: 100_000,
  nonces: 1_000_000,
};

const APPLIED: StoreOutcome = { status: 'applied' };

interface Row {
  readonly spec: TaskSpec;
  input: Uint8Array | null;
  epoch: number;
  attempts: number;
  agentId: string | null;
  leasedAt: number | null;
  current: StoredState;
}

/** The Store in memory: durable as long as the process. For tests, and for a coordinator without a data directory. */
export class MemoryStore implements Store {
  readonly #limits: MemoryStoreLimits;
  readonly #rows = new Map<string, Row>();
  readonly #taskOfKey = new Map<string, string>();
  /** Ids of all and only the finished rows, in the order in which they finished, from `#firstFinished` on. */
  #finished: string[] = [];
  #firstFinished = 0;
  #resultBytes = 0;
  readonly #sessions = new Map<string, SessionRecord>();
  /** In the order of arrival, as a Map keeps it. */
  readonly #experiences = new Map<string, ExperienceRecord>();
  readonly #nonces = new Map<string, number>();
  /** No nonce expires before this: looking for expired ones earlier is in vain. */
  #nextNonceExpiry = Infinity;
  #closed = false;

  constructor(limits: Partial<MemoryStoreLimits> = {}) {
    this.#limits = { ...DEFAULT_MEMORY_STORE_LIMITS, ...limits };
  }

  commit(operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]> {
    if (this.#closed) return this.#refuseClosed();
    const outcomes: StoreOutcome[] = [];
    for (const operation of operations) outcomes.push(this.#apply(operation));
    this.#trim();
    return Promise.resolve(outcomes);
  }

  load(): Promise<RecoveredState> {
    if (this.#closed) return this.#refuseClosed();
    const tasks: StoredTask[] = [];
    for (const row of this.#rows.values()) if (!isFinished(row.current)) tasks.push({ ...row });
    return Promise.resolve({ tasks, sessions: [...this.#sessions.values()] });
  }

  get(taskIds: readonly string[]): Promise<readonly (StoredTask | null)[]> {
    if (this.#closed) return this.#refuseClosed();
    return Promise.resolve(
      taskIds.map((taskId) => {
        const row = this.#rows.get(taskId);
        return row === undefined ? null : { ...row };
      }),
    );
  }

  list(filter: TaskFilter): Promise<readonly StoredTask[]> {
    if (this.#closed) return this.#refuseClosed();
    const found: StoredTask[] = [];
    for (const row of [...this.#rows.values()].reverse()) {
      if (found.length >= filter.limit) break;
      if (filter.state !== undefined && row.current.state !== filter.state) continue;
      if (filter.kind !== undefined && row.spec.kind !== filter.kind) continue;
      found.push({ ...row });
    }
    return Promise.resolve(found);
  }

  consumeNonces(nonces: readonly Nonce[], now: number): Promise<readonly boolean[]> {
    if (this.#closed) return this.#refuseClosed();
    return Promise.resolve(nonces.map((nonce) => this.#consume(nonce, now)));
  }

  readExperiences(filter: ExperienceFilter): Promise<readonly ExperienceRecord[]> {
    if (this.#closed) return this.#refuseClosed();
    const found: ExperienceRecord[] = [];
    for (const experience of [...this.#experiences.values()].reverse()) {
      if (found.length >= filter.limit) break;
      if (filter.agentId !== undefined && experience.agentId !== filter.agentId) continue;
      if (filter.taskId !== undefined && experience.taskId !== filter.taskId) continue;
      found.push(experience);
    }
    return Promise.resolve(found);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #refuseClosed(): Promise<never> {
    return Promise.reject(new StoreError('CLOSED', 'the store is closed'));
  }

  #apply(operation: StoreOp): StoreOutcome {
    switch (operation.op) {
      case 'submit':
        return this.#submit(operation.spec, operation.input, operation.notBefore);
      case 'lease': {
        const { lease } = operation;
        const row = this.#rows.get(lease.taskId);
        if (row === undefined || isFinished(row.current) || row.epoch >= lease.epoch) return conflict(row);
        row.epoch = lease.epoch;
        row.attempts = lease.attempt;
        row.agentId = lease.agentId;
        row.leasedAt = lease.leasedAt;
        row.current = { state: 'leased', lease };
        return APPLIED;
      }
      case 'extend': {
        const row = this.#rows.get(operation.taskId);
        if (row?.current.state !== 'leased' || row.epoch !== operation.epoch) return conflict(row);
        row.current = { state: 'leased', lease: { ...row.current.lease, deadlineAt: operation.deadlineAt } };
        return APPLIED;
      }
      case 'complete': {
        const { finishedAt, runMs, result } = operation;
        return this.#endLease(operation, { state: 'completed', finishedAt, runMs, result });
      }
      case 'fail': {
        const { state, finishedAt, runMs, error } = operation;
        return this.#endLease(operation, { state, finishedAt, runMs, error });
      }
      case 'requeue':
        return this.#endLease(operation, requeued(operation.retry));
      case 'cancel': {
        const row = this.#rows.get(operation.taskId);
        if (row === undefined || isFinished(row.current) || row.epoch !== operation.epoch)
          return conflict(row);
        this.#finish(row, { state: 'cancelled', finishedAt: operation.finishedAt });
        return APPLIED;
      }
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
    }
  }

  #submit(spec: TaskSpec, input: Uint8Array, notBefore: number | null): StoreOutcome {
    if (spec.idempotencyKey !== null) {
      const taskId = this.#taskOfKey.get(spec.idempotencyKey);
      if (taskId !== undefined) return { status: 'duplicate', taskId };
    }
    const existing = this.#rows.get(spec.taskId);
    if (existing !== undefined) return conflict(existing);
    if (spec.idempotencyKey !== null) this.#taskOfKey.set(spec.idempotencyKey, spec.taskId);
    this.#rows.set(spec.taskId, {
      spec,
      input,
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: notBefore === null ? { state: 'queued' } : { state: 'delayed', notBefore },
    });
    return APPLIED;
  }

  #endLease(lease: { readonly taskId: string; readonly epoch: number }, next: StoredState): StoreOutcome {
    const row = this.#rows.get(lease.taskId);
    if (row?.current.state !== 'leased' || row.epoch !== lease.epoch) return conflict(row);
    if (isFinished(next)) this.#finish(row, next);
    else row.current = next;
    return APPLIED;
  }

  #finish(row: Row, state: StoredState): void {
    row.current = state;
    row.input = null;
    this.#finished.push(row.spec.taskId);
    this.#resultBytes += resultBytes(state);
  }

  #trim(): void {
    const { finishedTasks, resultBytes: maxBytes, experiences } = this.#limits;
    while (this.#finished.length - this.#firstFinished > finishedTasks || this.#resultBytes > maxBytes) {
      const taskId = this.#finished[this.#firstFinished++];
      if (taskId === undefined) break;
      const row = this.#rows.get(taskId);
      if (row === undefined) continue;
      this.#resultBytes -= resultBytes(row.current);
      this.#rows.delete(taskId);
      if (row.spec.idempotencyKey !== null) this.#taskOfKey.delete(row.spec.idempotencyKey);
    }
    if (this.#firstFinished > 1024 && this.#firstFinished * 2 > this.#finished.length) {
      this.#finished = this.#finished.slice(this.#firstFinished);
      this.#firstFinished = 0;
    }
    dropOldest(this.#experiences, experiences);
  }

  #consume(nonce: Nonce, now: number): boolean {
    if (this.#nonces.has(nonce.value) || nonce.expiresAt <= now) return false;
    if (this.#nonces.size >= this.#limits.nonces && now >= this.#nextNonceExpiry)
      this.#forgetExpiredNonces(now);
    if (this.#nonces.size >= this.#limits.nonces) return false;
    this.#nextNonceExpiry = Math.min(this.#nextNonceExpiry, nonce.expiresAt);
    this.#nonces.set(nonce.value, nonce.expiresAt);
    return true;
  }

  #forgetExpiredNonces(now: number): void {
    this.#nextNonceExpiry = Infinity;
    for (const [value, expiresAt] of this.#nonces) {
      if (expiresAt <= now) this.#nonces.delete(value);
      else this.#nextNonceExpiry = Math.min(this.#nextNonceExpiry, expiresAt);
    }
  }
}

function requeued(retry: { readonly notBefore: number; readonly error: ErrorDetail } | null): StoredState {
  return retry === null
    ? { state: 'queued' }
    : { state: 'retrying', notBefore: retry.notBefore, error: retry.error };
}

function isFinished(state: StoredState): boolean {
  return 'finishedAt' in state;
}

function resultBytes(state: StoredState): number {
  return state.state === 'completed' ? state.result.byteLength : 0;
}

function conflict(row: Row | undefined): StoreOutcome {
  return { status: 'conflict', epoch: row?.epoch ?? null };
}

function dropOldest(entries: Map<string, unknown>, limit: number): void {
  if (entries.size <= limit) return;
  for (const key of entries.keys()) {
    if (entries.size <= limit) break;
    entries.delete(key);
  }
}
