import type { AGENT_TYPES, errorDetail, LOG_LEVELS, STREAM_PURPOSES } from './fields.js';
import { reasoningMessages } from './messages/reasoning-messages.js';
import { reportMessages } from './messages/report-messages.js';
import { requestMessages } from './messages/request-messages.js';
import { sessionMessages } from './messages/session-messages.js';
import { workMessages } from './messages/work-messages.js';
import type {
  AgentSummary as agentSummary,
  RecurringSummary as recurringSummary,
  historyEntry,
  TaskSummary as taskSummary,
} from './messages/summaries.js';
import type { Static } from './schema.js';

/**
 * Every message of protocol version 1: its name on the wire, its fields, their types and ranges.
 * Times end in `At` (milliseconds since the Unix epoch), durations in `Ms`, sizes in `Bytes`.
 * Unknown fields are ignored; a missing or wrong one is refused by name (ErrorReport).
 */

export { AGENT_TYPES, LOG_LEVELS, STREAM_PURPOSES } from './fields.js';
export { TASK_HISTORY_EVENTS, WAIT_REASONS } from './messages/summaries.js';
export {
  FINISHED_STATES,
  isFinishedState,
  TASK_STATES,
  UNFINISHED_STATES,
  type FinishedState,
  type TaskState,
  type UnfinishedState,
} from './task-states.js';

/** What each message is for, who sends it, and its payload stand in rules.ts. */
export const messageSchemas = {
  ...sessionMessages,
  ...workMessages,
  ...reasoningMessages,
  ...requestMessages,
  ...reportMessages,
} as const;

export type MessageType = keyof typeof messageSchemas;
export type MessageFields<T extends MessageType> = Static<(typeof messageSchemas)[T]>;
export type Fields = { readonly [T in MessageType]: MessageFields<T> };

/** A message as its sender writes it and its receiver reads it; a discriminated union on `type`. */
export type Message = {
  readonly [T in MessageType]: { readonly type: T } & Readonly<MessageFields<T>>;
}[MessageType];
export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;

/**
 * What an agent is for: `worker` takes all kinds of task.
 * @useDeclaredType
 */
export type AgentType = (typeof AGENT_TYPES)[number];
/** How much a process logs: the least severe level that is written. */
export type LogLevel = (typeof LOG_LEVELS)[number];
export type StreamPurpose = (typeof STREAM_PURPOSES)[number];
/**
 * A task as clients see it. docs/protocol.md says what each field means.
 * @interface
 */
export type TaskSummary = Static<typeof taskSummary>;
export type WaitsFor = NonNullable<TaskSummary['waitsFor']>;
/**
 * An agent as clients see it. docs/protocol.md says what each field means.
 * @interface
 */
export type AgentSummary = Static<typeof agentSummary>;
/**
 * A recurring task as clients see it. docs/protocol.md says what each field means.
 * @interface
 */
export type RecurringSummary = Static<typeof recurringSummary>;
/** Something that happened to a task or an agent; the fields are those of EventNotice in docs/protocol.md. */
export type SwarmEvent = MessageOf<'EventNotice'>['events'][number];
/** Which attempt of which task; `epoch` is its fencing number. */
export type Lease = Pick<MessageOf<'AgentTask'>, 'taskId' | 'attempt' | 'epoch'>;
/**
 * Why a task did not complete: `name` is stable, for programs; `message` is one sentence for people; `retryable`: another attempt may succeed.
 * @interface
 */
export type ErrorDetail = Static<typeof errorDetail>;
/** A lesson that comes with a task. */
export type TaskMemory = NonNullable<MessageOf<'AgentTask'>['memories']>[number];
/**
 * One thing that happened to a task. docs/protocol.md says what each field means.
 * @interface
 */
export type TaskHistoryEntry = Static<typeof historyEntry>;
