import type { TaskHistoryEntry, TaskState } from '../../../src/protocol/messages.js';
import {
  specWithNeedsMet,
  type Collection,
  type EntryRecord,
  type ListedTask,
  type RecoveredTask,
  type SessionRecord,
  type StoredState,
  type StoredTask,
  type TaskSpec,
} from '../../../src/store/records.js';
import type { StoreOp, StoreOutcome, TaskFilter } from '../../../src/store/store.js';

interface Row {
  spec: TaskSpec;
  input: Uint8Array | null;
  inputBytes: number;
  epoch: number;
  attempts: number;
  agentId: string | null;
  leasedAt: number | null;
  current: StoredState;
  readonly history: TaskHistoryEntry[];
}

const APPLIED: StoreOutcome = { status: 'applied' };

/** The conditions and effects of the Store port, without its promises: for a world whose time stands still. */
export class StoreDouble {
  readonly rows = new Map<string, Row>();
  readonly keys = new Map<string, Row>();
  /** Ids of all tasks there ever were. */
  readonly submitted = new Set<string>();
  readonly sessions = new Map<string, SessionRecord>();
  readonly usedNonces = new Set<string>();
  readonly entries = new Map<Collection, Map<string, Uint8Array>>();
  /** What must not repeat over the restarts of a coordinator: ids given out, and the latest epoch sent for each task. */
  idsGiven = 0;
  readonly epochsSent = new Map<string, number>();

  apply(op: StoreOp): StoreOutcome {
    switch (op.op) {
      case 'submit':
        return this.#submit(op);
      case 'put-session':
        this.sessions.set(op.session.agentId, op.session);
        return APPLIED;
      case 'drop-session':
        this.sessions.delete(op.agentId);
        return APPLIED;
      case 'put-entry': {
        const { collection, key, value } = op.entry;
        const entries = this.entries.get(collection) ?? new Map<string, Uint8Array>();
        this.entries.set(collection, entries.set(key, value));
        return APPLIED;
      }
      case 'drop-entry':
        this.entries.get(op.collection)?.delete(op.key);
        return APPLIED;
      case 'lease': {
        const { taskId, epoch, attempt, agentId, leasedAt } = op.lease;
        const row = this.rows.get(taskId);
        if (row === undefined || 'finishedAt' in row.current || row.epoch >= epoch) return conflict(row);
        Object.assign(row, { epoch, attempts: attempt, agentId, leasedAt });
        row.current = { state: 'leased', lease: op.lease };
        row.history.push({ event: 'lease', at: leasedAt, attempt, agentId });
        return APPLIED;
      }
      case 'complete':
      case 'fail':
      case 'requeue': {
        const row = this.rows.get(op.taskId);
        if (row?.current.state !== 'leased' || row.epoch !== op.epoch) return conflict(row);
        if (op.op === 'complete') {
          const { finishedAt, runMs, result } = op;
          row.current = { state: 'completed', finishedAt, runMs, result };
          row.input = null;
          row.history.push({ event: 'complete', at: finishedAt });
        } else if (op.op === 'fail') {
          const { state, finishedAt, runMs, error } = op;
          row.current = { state, finishedAt, runMs, error };
          row.history.push({ event: 'fail', at: finishedAt, detail: `${error.name}: ${error.message}` });
        } else {
          const { notBefore, error, why, at } = op;
          row.current = notBefore === null ? { state: 'queued' } : { state: 'retrying', notBefore, error };
          row.history.push({ event: why, at, detail: `${error.name}: ${error.message}` });
        }
        return APPLIED;
      }
      case 'cancel': {
        const row = this.rows.get(op.taskId);
        if (row === undefined || 'finishedAt' in row.current || row.epoch !== op.epoch) return conflict(row);
        row.current = { state: 'cancelled', finishedAt: op.finishedAt };
        row.history.push({ event: 'cancel', at: op.finishedAt });
        return APPLIED;
      }
      case 'retry': {
        const row = this.rows.get(op.taskId);
        const state = row?.current.state ?? 'queued';
        if (row === undefined || row.epoch !== op.epoch || !/^(failed|dead|cancelled)$/.test(state)) {
          return conflict(row);
        }
        row.current = waitingState(row.spec.needs?.met === true ? null : row.spec, null);
        row.attempts = 0;
        row.history.push({ event: 'retry', at: op.at });
        return APPLIED;
      }
      case 'release':
      case 'unmet': {
        const row = this.rows.get(op.taskId);
        if (row?.current.state !== 'blocked' || row.epoch !== op.epoch) return conflict(row);
        if (op.op === 'release') {
          row.spec = specWithNeedsMet(row.spec);
          row.current = waitingState(null, op.notBefore);
          row.input = op.input ?? row.input;
          row.inputBytes = row.input?.byteLength ?? 0;
          row.history.push({ event: 'due', at: op.at });
          return APPLIED;
        }
        const { state, finishedAt, error } = op;
        row.current =
          state === 'cancelled' ? { state, finishedAt } : { state, finishedAt, runMs: null, error };
        row.history.push({ event: state === 'failed' ? 'fail' : 'cancel', at: finishedAt });
        return APPLIED;
      }
      default:
        return APPLIED;
    }
  }

  get(taskId: string): StoredTask | null {
    const row = this.rows.get(taskId);
    return row === undefined ? null : { ...row, history: [...row.history] };
  }

  state(taskId: string): TaskState | null {
    return this.rows.get(taskId)?.current.state ?? null;
  }

  result(taskId: string): Uint8Array | null {
    const current = this.rows.get(taskId)?.current;
    return current?.state === 'completed' ? current.result : null;
  }

  input(taskId: string): Uint8Array | null {
    return this.rows.get(taskId)?.input ?? null;
  }

  list({ state, kind, before, limit }: TaskFilter): ListedTask[] {
    return [...this.rows.values()]
      .filter(({ spec, current }) => {
        if (state !== undefined && current.state !== state) return false;
        return (kind === undefined || spec.kind === kind) && (before === undefined || spec.taskId < before);
      })
      .sort((one, other) => (one.spec.taskId < other.spec.taskId ? 1 : -1))
      .slice(0, limit);
  }

  keyHolder(idempotencyKey: string, at: number): string | null {
    const holder = this.keys.get(idempotencyKey);
    if (holder === undefined) return null;
    const held = !('finishedAt' in holder.current) || (holder.spec.keyHeldUntil ?? 0) > at;
    return held ? holder.spec.taskId : null;
  }

  /** What a coordinator would find after a crash. */
  recovered(): {
    readonly sessions: SessionRecord[];
    readonly tasks: RecoveredTask[];
    readonly pausedKinds: string[];
    readonly schedules: EntryRecord[];
  } {
    const tasks: RecoveredTask[] = [];
    for (const { spec, inputBytes, epoch, attempts, agentId, leasedAt, current } of this.rows.values()) {
      if ('finishedAt' in current) continue;
      tasks.push({ spec, inputBytes, epoch, attempts, agentId, leasedAt, current });
    }
    const pausedKinds = [...(this.entries.get('paused-kind')?.keys() ?? [])];
    const collection = 'schedule';
    const schedules = [...(this.entries.get(collection) ?? [])].map(
      ([key, value]) => ({ collection, key, value }) as const,
    );
    return { sessions: [...this.sessions.values()], tasks, pausedKinds, schedules };
  }

  #submit({ spec, input, notBefore }: Extract<StoreOp, { op: 'submit' }>): StoreOutcome {
    const { taskId, idempotencyKey, submittedAt } = spec;
    const holder = idempotencyKey === null ? null : this.keyHolder(idempotencyKey, submittedAt);
    if (holder !== null) return { status: 'duplicate', taskId: holder };
    if (this.rows.has(taskId)) return conflict(this.rows.get(taskId));
    const row: Row = {
      spec,
      input,
      inputBytes: input.byteLength,
      epoch: 0,
      attempts: 0,
      agentId: null,
      leasedAt: null,
      current: waitingState(spec, notBefore),
      history: [{ event: 'submit', at: submittedAt }],
    };
    this.rows.set(taskId, row);
    this.submitted.add(taskId);
    if (idempotencyKey !== null) this.keys.set(idempotencyKey, row);
    return APPLIED;
  }
}

function waitingState(spec: TaskSpec | null, notBefore: number | null): StoredState {
  if (spec?.needs !== undefined) return { state: 'blocked', delayedUntil: notBefore };
  return notBefore === null ? { state: 'queued' } : { state: 'delayed', notBefore };
}

function conflict(row: Row | undefined): StoreOutcome {
  return { status: 'conflict', epoch: row?.epoch ?? null };
}
