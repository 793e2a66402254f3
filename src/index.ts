/**
 * quic-swarm as a library: a coordinator, agents and clients in programs of your own.
 *
 * The executables are thin shells over what is exported here; docs/protocol.md says what goes over the wire.
 */
export { Agent, type AgentOptions, type StopInfo } from './agent/agent.js';
export { openAgentState, type AgentState } from './agent/state/agent-state.js';
export { AgentStateError } from './agent/state/errors.js';
export { Executor, type ExecutorOptions } from './agent/executor.js';
export {
  Client,
  type ClientOptions,
  type SubmitOptions,
  type SubmittedTask,
  type TaskQuery,
  type TaskReport,
  type WatchOptions,
} from './client/client.js';
export type { ReasoningReport, TaskWorth } from './client/reasoning.js';
export { CoordinatorUnreachable, Refused, TaskRejected } from './client/errors.js';
export { toJson, type TaskOutcome, type TaskRequest } from './client/task.js';
export type { RecurringRequest } from './client/recurring.js';
export { Coordinator, type CoordinatorOptions } from './coordinator/coordinator.js';
export type {
  AgentSummary,
  AgentType,
  ErrorDetail,
  TaskHistoryEntry,
  TaskState,
  TaskSummary,
} from './protocol/messages.js';
export { decodeValue, encodeValue, ValueError } from './protocol/value.js';
export { MemoryStore } from './store/memory-store.js';
export { StoreOpenError, type StoreOpenReason } from './store/open-error.js';
export { openSqliteStore, type SqliteStoreOptions } from './store/sqlite/sqlite-store.js';
export type { RetentionRule, Store } from './store/store.js';
export { TaskFailure } from './tasks/failure.js';
export { TaskInputError, type TaskContext, type TaskHandler } from './tasks/kind.js';
export {
  createQuicConnector as connectQuic,
  listenQuic,
  memorySessionCache,
  type ClientTls,
  type QuicConnector,
  type QuicConnectorOptions,
  type QuicListener,
  type QuicListenerOptions,
  type SessionCache,
} from './transport/index.js';
