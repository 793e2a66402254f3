import type { Latency } from '../lib/statistics.js';

export const CONTENDERS = ['quicSwarm', 'bullmq', 'jetstream'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface TasksResult extends Latency {
  /** Median over the rounds. */
  readonly perSecond: number;
}

export interface SwarmTasksResult extends TasksResult {
  /**
   * Of the coordinator's main thread under the full load, sampled every millisecond; the sampling interval is part of
   * the figure. The worst round.
   */
  readonly eventLoopDelay: { readonly p99Ms: number; readonly maxMs: number };
}

/** Null: its server is not installed. */
export interface AllTasksResults {
  readonly quicSwarm: SwarmTasksResult;
  readonly bullmq: TasksResult | null;
  readonly jetstream: TasksResult | null;
}

/** A coordinator that starts on a store full of queued tasks. */
export interface RecoveryResult {
  readonly queuedTasks: number;
  /** From the start of the process to the first task at an agent. */
  readonly firstDispatchS: number;
  /** The most memory the process had resident until `tasksDone` of the tasks were done. */
  readonly residentBytes: number;
  readonly tasksDone: number;
}

/** What one run measured; a section that was left out is missing. */
export interface Results {
  readonly tasks?: AllTasksResults;
  readonly recovery?: RecoveryResult;
}
