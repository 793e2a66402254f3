import type { TaskState } from '../../src/protocol/messages.js';
import {
  specWithNeedsMet,
  type ListedTask,
  type RecoveredTask,
  type SessionRecord,
  type StoredState,
  type StoredTask,
  type TaskSpec,
  type TicketKeyRecord,
} from '../../src/store/records.js';
import type { StoreOp, StoreOutcome, TaskFilter } from '../../src/store/store.js';
import type { Referee } from './referee.js';

const APPLIED: StoreOutcome = { status: 'applied' };
const QUEUED: StoredState = { state: 'queued' };
const RECOVERY_BATCH = 1000;

/** A task on the simulated disk. */
export interface DurableTask {
  spec: TaskSpec;
  bytes: Uint8Array;
  epoch: number;
  attempts: number;
  agentId: string | null;
  leasedAt: number | null;
  current: StoredState;
}

/**
 * The disk: what was committed, with the conditions that the Store port promises and nothing else. It outlives every
 * crash. The referee sees each change as it becomes durable.
 */
export class DurableStore {
  readonly tasks = new Map<string, DurableTask>();
  readonly #taskOfKey = new Map<string, DurableTask>();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #ticketKeys = new Map<string, TicketKeyRecord>();
  readonly #nonces = new Map<string, number>();
  /** In the order in which they finished; one that was queued once more is skipped when its turn comes. */
  #finished: { readonly task: DurableTask; readonly at: number }[] = [];
  #firstFinished = 0;
  readonly #referee: Referee;
  readonly #keepFinishedMs: number;

  constructor(referee: Referee, keepFinishedMs: number) {
    this.#referee = referee;
    this.#keepFinishedMs = keepFinishedMs;
  }

  apply(operations: readonly StoreOp[], now: number): StoreOutcome[] {
    const outcomes = operations.map((op) => {
      const outcome = this.#apply(op);
      this.#referee.stored(op, outcome, now);
      return outcome;
    });
    this.#forgetFinished(now);
    return outcomes;
  }

  sessions(): SessionRecord[] {
    return [...this.#sessions.values()];
  }

  ticketKeys(): TicketKeyRecord[] {
    return [...this.#ticketKeys.values()].sort((a, b) => b.createdAt - a.createdAt);
  }

  /** Unfinished tasks in the order of submission, in batches. */
  recoveredTasks(): RecoveredTask[][] {
    const batches: RecoveredTask[][] = [];
    let batch: RecoveredTask[] = [];
    for (const { spec, bytes, epoch, attempts, agentId, leasedAt, current } of this.tasks.values()) {
      if (isFinished(current)) continue;
      batch.push({ spec, inputBytes: bytes.byteLength, epoch, attempts, agentId, leasedAt, current });
      if (batch.length < RECOVERY_BATCH) continue;
      batches.push(batch);
      batch = [];
    }
    if (batch.length > 0) batches.push(batch);
    return batches;
  }

  readInputs(taskIds: readonly string[]): (Uint8Array | null)[] {
    return taskIds.map((taskId) => {
      const task = this.tasks.get(taskId);
      return task === undefined || isFinished(task.current) ? null : task.bytes;
    });
  }

  readResults(taskIds: readonly string[]): (Uint8Array | null)[] {
    return taskIds.map((taskId) => {
      const current = this.tasks.get(taskId)?.current;
      return current?.state === 'completed' ? current.result : null;
    });
  }

  keyHolder(idempotencyKey: string, at: number): string | null {
    const holder = this.#taskOfKey.get(idempotencyKey);
    return holder !== undefined && holdsKey(holder, at) ? holder.spec.taskId : null;
  }

  get(taskId: string): StoredTask | null {
    const task = this.tasks.get(taskId);
    if (task === undefined) return null;
    const { spec, bytes, epoch, attempts, agentId, leasedAt, current } = task;
    const input = current.state === 'completed' ? null : bytes;
    return { spec, input, epoch, attempts, agentId, leasedAt, current, history: [] };
  }

  list({ state, kind, before, limit }: TaskFilter): ListedTask[] {
    const listed: ListedTask[] = [];
    for (const { spec, epoch, attempts, agentId, leasedAt, current } of [...this.tasks.values()].reverse()) {
      if (listed.length >= limit) break;
      if (before !== undefined && spec.taskId >= before) continue;
      if ((kind ?? spec.kind) !== spec.kind || (state ?? current.state) !== current.state) continue;
      listed.push({ spec, epoch, attempts, agentId, leasedAt, current });
    }
    return listed;
  }

  count(): Map<TaskState, number> {
    const counts = new Map<TaskState, number>();
    for (const { current } of this.tasks.values()) {
      counts.set(current.state, (counts.get(current.state) ?? 0) + 1);
    }
    return counts;
  }

  /** True the first time, false ever after. */
  consumeNonce(nonce: string, now: number): boolean {
    if (this.#nonces.has(nonce)) return false;
    this.#nonces.set(nonce, now);
    return true;
  }

  isUsed(nonce: string): boolean {
    return this.#nonces.has(nonce);
  }

  #apply(op: StoreOp): StoreOutcome {
    switch (op.op) {
      case 'submit':
        return this.#submit(op);
      case 'lease': {
        const { taskId, epoch, attempt, agentId, leasedAt } = op.lease;
        const task = this.tasks.get(taskId);
        if (task === undefined || isFinished(task.current) || task.epoch >= epoch) return conflict(task);
        task.epoch = epoch;
        task.attempts = attempt;
        task.agentId = agentId;
        task.leasedAt = leasedAt;
        task.current = { state: 'leased', lease: op.lease };
        return APPLIED;
      }
      case 'extend':
        return this.#change(op, 'leased', (task) => {
          const { current } = task;
          if (current.state !== 'leased') return;
          task.current = { state: 'leased', lease: { ...current.lease, deadlineAt: op.deadlineAt } };
        });
      case 'complete':
        return this.#change(op, 'leased', (task) => {
          const { finishedAt, runMs, result } = op;
          this.#finish(task, { state: 'completed', finishedAt, runMs, result });
        });
      case 'fail':
        return this.#change(op, 'leased', (task) => {
          const { state, finishedAt, runMs, error } = op;
          this.#finish(task, { state, finishedAt, runMs, error });
        });
      case 'requeue':
        return this.#change(op, 'leased', (task) => {
          const { notBefore, error } = op;
          task.current = notBefore === null ? QUEUED : { state: 'retrying', notBefore, error };
        });
      case 'cancel':
        return this.#change(op, 'unfinished', (task) => {
          this.#finish(task, { state: 'cancelled', finishedAt: op.finishedAt });
        });
      case 'retry':
        return this.#change(op, 'without result', (task) => {
          task.current = task.spec.needs?.met === true ? QUEUED : waitingState(task.spec, null);
          task.attempts = 0;
        });
      case 'release':
        return this.#change(op, 'blocked', (task) => {
          task.spec = specWithNeedsMet(task.spec);
          if (op.input !== null) task.bytes = op.input;
          task.current = op.notBefore === null ? QUEUED : { state: 'delayed', notBefore: op.notBefore };
        });
      case 'unmet':
        return this.#change(op, 'blocked', (task) => {
          const { state, finishedAt, error } = op;
          this.#finish(
            task,
            state === 'cancelled' ? { state, finishedAt } : { state, finishedAt, runMs: null, error },
          );
        });
      case 'put-session':
        this.#sessions.set(op.session.agentId, op.session);
        return APPLIED;
      case 'drop-session':
        this.#sessions.delete(op.agentId);
        return APPLIED;
      case 'put-ticket-key':
        this.#ticketKeys.set(op.ticketKey.keyId, op.ticketKey);
        return APPLIED;
      case 'drop-ticket-key':
        this.#ticketKeys.delete(op.keyId);
        return APPLIED;
      case 'append-experience':
      case 'put-entry':
      case 'drop-entry':
        return APPLIED;
    }
  }

  #submit({ spec, input, notBefore }: StoreOp & { readonly op: 'submit' }): StoreOutcome {
    const { taskId, idempotencyKey } = spec;
    const holder = idempotencyKey === null ? null : this.keyHolder(idempotencyKey, spec.submittedAt);
    if (holder !== null) return { status: 'duplicate', taskId: holder };
    const existing = this.tasks.get(taskId);
    if (existing !== undefined) return conflict(existing);
    const task: DurableTask = {
      spec,
      bytes: input,
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: waitingState(spec, notBefore),
    };
    this.tasks.set(taskId, task);
    if (idempotencyKey !== null) this.#taskOfKey.set(idempotencyKey, task);
    return APPLIED;
  }

  #change(
    { taskId, epoch }: { readonly taskId: string; readonly epoch: number },
    condition: Condition,
    change: (task: DurableTask) => void,
  ): StoreOutcome {
    const task = this.tasks.get(taskId);
    if (task === undefined || task.epoch !== epoch || !meets(task.current, condition)) return conflict(task);
    change(task);
    return APPLIED;
  }

  #finish(task: DurableTask, current: StoredState & { readonly finishedAt: number }): void {
    task.current = current;
    this.#finished.push({ task, at: current.finishedAt });
  }

  #forgetFinished(now: number): void {
    const finished = this.#finished;
    for (let next = finished[this.#firstFinished]; next !== undefined; next = finished[this.#firstFinished]) {
      if (next.at > now - this.#keepFinishedMs) break;
      this.#firstFinished++;
      const { task, at } = next;
      const { current, spec } = task;
      if (!isFinished(current) || current.finishedAt !== at || this.tasks.get(spec.taskId) !== task) continue;
      this.tasks.delete(spec.taskId);
      const { idempotencyKey } = spec;
      if (idempotencyKey !== null && this.#taskOfKey.get(idempotencyKey) === task) {
        this.#taskOfKey.delete(idempotencyKey);
      }
      this.#referee.forgotten(task);
    }
    if (this.#firstFinished < 10_000) return;
    this.#finished = finished.slice(this.#firstFinished);
    this.#firstFinished = 0;
    for (const [nonce, at] of this.#nonces) {
      if (at > now - this.#keepFinishedMs) break;
      this.#nonces.delete(nonce);
    }
  }
}

type FinishedState = Extract<StoredState, { readonly finishedAt: number }>;

export function isFinished(current: StoredState): current is FinishedState {
  return 'finishedAt' in current;
}

function holdsKey({ spec, current }: DurableTask, at: number): boolean {
  return !isFinished(current) || (spec.keyHeldUntil ?? -Infinity) > at;
}

type Condition = 'leased' | 'blocked' | 'unfinished' | 'without result';

function waitingState({ needs }: TaskSpec, notBefore: number | null): StoredState {
  if (needs !== undefined) return { state: 'blocked', delayedUntil: notBefore };
  return notBefore === null ? QUEUED : { state: 'delayed', notBefore };
}

function meets(current: StoredState, condition: Condition): boolean {
  switch (condition) {
    case 'leased':
    case 'blocked':
      return current.state === condition;
    case 'unfinished':
      return !isFinished(current);
    case 'without result':
      return isFinished(current) && current.state !== 'completed';
  }
}

function conflict(task: DurableTask | undefined): StoreOutcome {
  return { status: 'conflict', epoch: task?.epoch ?? null };
}
