/** States of a task that may still change by itself. */
export const UNFINISHED_STATES = ['queued', 'delayed', 'blocked', 'leased', 'running', 'retrying'] as const;

/** Ends of a task; only `retry` leads out of them, and not out of `completed`. */
export const FINISHED_STATES = ['completed', 'failed', 'dead', 'cancelled'] as const;

export const TASK_STATES = [...UNFINISHED_STATES, ...FINISHED_STATES] as const;

export type UnfinishedState = (typeof UNFINISHED_STATES)[number];
export type FinishedState = (typeof FINISHED_STATES)[number];
export type TaskState = (typeof TASK_STATES)[number];

export function isFinishedState(state: string): state is FinishedState {
  return state === 'completed' || state === 'failed' || state === 'dead' || state === 'cancelled';
}
