import type { HistoryEntry, ListedTask, RecoveredTask, StoredState, TaskNeeds, TaskSpec } from './records.js';

/** A task in a MemoryStore. `spec`, `history` and `current` are replaced, never written to. */
export interface MemoryRow {
  spec: TaskSpec;
  input: Uint8Array | null;
  epoch: number;
  attempts: number;
  agentId: string | null;
  leasedAt: number | null;
  current: StoredState;
  history: readonly HistoryEntry[];
}

export type FinishedState = Extract<StoredState, { readonly finishedAt: number }>;

export function isFinished(state: StoredState): state is FinishedState {
  return 'finishedAt' in state;
}

/** Where a new task stands. */
export function waitingState(needs: TaskNeeds | undefined, notBefore: number | null): StoredState {
  if (needs !== undefined) return { state: 'blocked', delayedUntil: notBefore };
  return notBefore === null ? { state: 'queued' } : { state: 'delayed', notBefore };
}

/** Where a task stands that is tried once more: one that never had what it needs waits for that again. */
export function queuedAgain({ needs }: TaskSpec): StoredState {
  return waitingState(needs?.met === true ? undefined : needs, null);
}

/** Null for a finished task. */
export function recovered(row: MemoryRow): RecoveredTask | null {
  const { spec, epoch, attempts, agentId, leasedAt, current, input } = row;
  if (isFinished(current)) return null;
  return { spec, epoch, attempts, agentId, leasedAt, current, inputBytes: input?.byteLength ?? 0 };
}

export function listed(row: MemoryRow): ListedTask {
  const { spec, epoch, attempts, agentId, leasedAt } = row;
  return { spec, epoch, attempts, agentId, leasedAt, current: withoutResult(row.current) };
}

function withoutResult(current: StoredState): ListedTask['current'] {
  if (current.state !== 'completed') return current;
  const { state, finishedAt, runMs } = current;
  return { state, finishedAt, runMs };
}
