/** What the server answers, in the words of the protocol; for the type checker alone. */
import type { AgentSummary, TaskHistoryEntry, TaskSummary } from '../../../protocol/messages.js';

export type { AgentSummary, TaskHistoryEntry, TaskSummary };

export interface Status {
  readonly coordinatorId: string;
  readonly version: string;
  readonly startedAt: number;
  readonly now?: number;
  readonly draining: boolean;
  readonly agents: Readonly<Record<string, number>>;
  readonly tasks: Readonly<Record<string, number>>;
  readonly queued: Readonly<Record<string, number>>;
  readonly paused?: readonly string[];
  readonly clients: number;
  readonly memoryBytes: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly protocolErrors: number;
}

/** A task as the page keeps it. Changing what it shows makes a new one. */
export type Task = Omit<TaskSummary, 'error'> & {
  readonly error: { readonly name: string; readonly message: string } | null;
  /** When an event said that its latest attempt began. */
  readonly leasedAt?: number;
  readonly waitsFor?: { readonly reason: string; readonly detail: string };
};

export interface SwarmEvent {
  readonly event: string;
  readonly at: number;
  readonly taskId?: string;
  readonly kind?: string;
  readonly priority?: number;
  readonly attempt?: number;
  readonly agentId?: string;
  readonly detail?: string;
}
