import type {
  AgentSummary,
  MessageOf,
  SwarmEvent,
  TaskHistoryEntry,
  TaskState,
  TaskSummary,
} from '../protocol/messages.js';

/** What a coordinator is asked by those that show it: the HTTP server, the dashboard behind it. */

export type StatusView = Omit<MessageOf<'StatusReport'>, 'type' | 'requestId'>;

/** Which tasks to list; what is left out does not matter. */
export interface TaskFilterView {
  readonly state?: TaskState;
  readonly kind?: string;
  /** 1 to 1000; default 100. */
  readonly limit?: number;
  /** Id of a task: only those submitted before it. */
  readonly before?: string;
}

/** A task with its history and result, as HTTP shows it. */
export interface TaskView {
  readonly task: TaskSummary;
  /** What happened to it, oldest first. */
  readonly history: readonly TaskHistoryEntry[];
  /** Its result as it was stored (a value of the protocol); null unless it is completed and kept. */
  readonly result: Uint8Array | null;
}

/** One thing that has to hold before work is sent here. */
export interface ReadyCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why not; absent when `ok`. */
  readonly reason?: string;
}

/** Called with what happened since the last call, oldest first; `dropped` more were lost because there were too many. */
export type EventListener = (events: readonly SwarmEvent[], dropped: number) => void;

/**
 * A running coordinator as others see it. Every answer is what a client would get at this moment. Rejects with the
 * ProtocolError that a client would be told, such as UNKNOWN_TASK or STORE_UNAVAILABLE.
 */
export interface CoordinatorView {
  status(): Promise<StatusView>;
  agents(): Promise<readonly AgentSummary[]>;
  /** The newest submission first. */
  tasks(filter: TaskFilterView): Promise<{ readonly tasks: readonly TaskSummary[]; readonly more: boolean }>;
  task(taskId: string): Promise<TaskView>;
  /** What the swarm has learned: the payload of a ReasoningReport (a value of the protocol). */
  reasoning(): Promise<Uint8Array>;
  /** Resolve when the change is stored. */
  retry(taskId: string): Promise<void>;
  cancel(taskId: string): Promise<void>;
  /** Tells what happens from now on. Returns what ends that. The listener must not throw. */
  subscribe(listener: EventListener): () => void;
  /** Whether it takes work, check by check. Answers at once. */
  readiness(): readonly ReadyCheck[];
}
