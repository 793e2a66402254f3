import type { Test } from 'tap';
import type { ExperienceRecord, LeaseRecord, SessionRecord, TaskSpec } from '../../src/store/records.js';
import type { Store, StoreOp, StoreOutcome } from '../../src/store/store.js';

/** Operations with everything that a test does not care about filled in. */

export const APPLIED: StoreOutcome = { status: 'applied' };
export const conflict = (epoch: number | null): StoreOutcome => ({ status: 'conflict', epoch });
export const INPUT = new Uint8Array([1, 2, 3]);
export const RESULT = new Uint8Array([9, 8]);
export const ERROR = { name: 'BOOM', message: 'it went "wrong"\nat last', retryable: true };

export const spec = (taskId: string, more: Partial<TaskSpec> = {}): TaskSpec => ({
  taskId,
  kind: 'compute',
  priority: 5,
  timeoutMs: 1000,
  maxAttempts: 3,
  idempotencyKey: null,
  keyHeldUntil: null,
  affinity: null,
  submittedAt: 1_000,
  ...more,
});

export const withKey = (idempotencyKey: string, keyHeldUntil = 50_000): Partial<TaskSpec> => ({
  idempotencyKey,
  keyHeldUntil,
});

export const submit = (
  taskId: string,
  more: Partial<TaskSpec> = {},
  notBefore: number | null = null,
  input: Uint8Array = INPUT,
): StoreOp => ({ op: 'submit', spec: spec(taskId, more), input, notBefore });

export const leaseOf = (taskId: string, epoch: number, attempt = epoch): LeaseRecord => ({
  taskId,
  attempt,
  epoch,
  agentId: 'a1',
  coordinatorId: 'c1',
  leasedAt: 2_000,
  deadlineAt: 3_000,
});

export const lease = (taskId: string, epoch: number): StoreOp => ({
  op: 'lease',
  lease: leaseOf(taskId, epoch),
});

export const extend = (taskId: string, epoch: number, deadlineAt: number): StoreOp => ({
  op: 'extend',
  taskId,
  epoch,
  deadlineAt,
});

export const complete = (
  taskId: string,
  epoch: number,
  finishedAt = 2_500,
  result: Uint8Array = RESULT,
): StoreOp => ({ op: 'complete', taskId, epoch, finishedAt, runMs: 400, result });

export const fail = (
  taskId: string,
  epoch: number,
  state: 'failed' | 'dead' = 'dead',
  finishedAt = 2_500,
): StoreOp => ({ op: 'fail', taskId, epoch, state, finishedAt, runMs: null, error: ERROR });

export const requeue = (
  taskId: string,
  epoch: number,
  notBefore: number | null = null,
  why: 'fail' | 'timeout' | 'lost' = 'lost',
): StoreOp => ({ op: 'requeue', taskId, epoch, at: 2_400, why, notBefore, error: ERROR });

export const cancel = (taskId: string, epoch: number, finishedAt = 2_500): StoreOp => ({
  op: 'cancel',
  taskId,
  epoch,
  finishedAt,
});

export const retry = (taskId: string, epoch: number, at = 2_600): StoreOp => ({
  op: 'retry',
  taskId,
  epoch,
  at,
});

export const release = (
  taskId: string,
  input: Uint8Array | null = null,
  notBefore: number | null = null,
): StoreOp & { readonly op: 'release' } => ({
  op: 'release',
  taskId,
  epoch: 0,
  at: 2_300,
  notBefore,
  input,
});

export const unmet = (
  taskId: string,
  state: 'failed' | 'cancelled',
  finishedAt = 2_500,
): StoreOp & { readonly op: 'unmet' } => ({
  op: 'unmet',
  taskId,
  epoch: 0,
  state,
  finishedAt,
  error: ERROR,
});

export const session = (agentId: string, tokenHash: string): SessionRecord => ({
  agentId,
  agentType: 'worker',
  kinds: ['compute', 'it"s'],
  concurrency: 4,
  tokenHash,
  previousTokenHash: null,
  certificate: null,
  startedAt: 1_000,
});

export const experience = (experienceId: string, more: Partial<ExperienceRecord> = {}): ExperienceRecord => ({
  experienceId,
  agentId: 'a1',
  action: 'match',
  context: { k: 5, name: 'x', on: true, none: null },
  outcome: { value: 1.25, confidence: 0.1, latencyMs: 3.5 },
  recordedAt: 1_000,
  receivedAt: 1_001,
  ...more,
});

/** All that a store recovers: sessions by agent, ticket keys and tasks in their order. */
export async function recover(store: Store) {
  const { sessions, ticketKeys, tasks } = await store.load();
  const chunks = [];
  for await (const chunk of tasks) chunks.push(chunk);
  return {
    sessions: [...sessions].sort((a, b) => (a.agentId < b.agentId ? -1 : 1)),
    ticketKeys,
    chunks: chunks.map((chunk) => chunk.length),
    tasks: chunks.flat(),
  };
}

/** Counts without the states that have none. */
export async function counts(store: Store): Promise<Record<string, number>> {
  const all = await store.count();
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

/** Two applied submits of the same task would be a test that tests nothing. */
export async function applied(t: Test, store: Store, operations: readonly StoreOp[]): Promise<void> {
  t.strictSame(
    await store.commit(operations),
    operations.map(() => APPLIED),
  );
}
