import type { MessagePort } from 'node:worker_threads';
import type { TaskMemory } from '../protocol/messages.js';
import type { Settings } from '../tasks/tuning.js';

/** What the main thread hands to a worker; `payload` and `port` are transferred. */
export interface WorkerJob {
  readonly taskId: string;
  readonly kind: string;
  readonly payload: Uint8Array;
  /** Shared: element 0 is 1 once the task is unwanted, element 1 is 1 once it has started. */
  readonly flags: Int32Array;
  /** To the worker: one message when the task is unwanted. From it: ProgressReport. */
  readonly port: MessagePort;
  readonly handlersFile: string | null;
  /** The agent's own defaults for the kind, or null. */
  readonly settings: Settings | null;
  readonly memories: readonly TaskMemory[];
  readonly traceparent: string | null;
}

export interface ProgressReport {
  readonly fraction: number;
  readonly note?: string;
}

export const ABORTED_FLAG = 0;
export const STARTED_FLAG = 1;
