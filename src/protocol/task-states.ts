/** States of a task that may still change by itself. */
export const UNFINISHED_STATES = ['queued', 'delayed', 'blocked', 'leased', 'running', 'retrying'] as const;

/** Ends of a task; only `retry` leads out of them, and not out of `completed`. */
export const FINISHED_STATES = ['completed', 'failed', 'dead', 'cancelled'] as const;

export const TASK_STATES = [...UNFINISHED_STATES, ...FINISHED_STATES] as const;

/**
 * States of a task that is not at its end.
 * @useDeclaredType
 */
export type UnfinishedState = (typeof UNFINISHED_STATES)[number];
/**
 * States of a task that is at its end.
 * @useDeclaredType
 */
export type FinishedState = (typeof FINISHED_STATES)[number];
/**
 * Where a task stands; the last four are ends.
 * @useDeclaredType
 */
export type TaskState = (typeof TASK_STATES)[number];

export function isFinishedState(state: string): state is FinishedState {
  return state === 'completed' || state === 'failed' || state === 'dead' || state === 'cancelled';
}
