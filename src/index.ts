/**
 * quic-swarm as a library: a coordinator, agents and clients in programs of your own.
 *
 * The executables are thin shells over what is exported here; docs/protocol.md says what goes over the wire.
 * Begin with `Client` and `connectQuic`; `Agent` with an `Executor`, and `Coordinator` with a `Store`, are the two daemons.
 * The rest are the types that these mention.
 *
 * @packageDocumentation
 */
export { Agent, type AgentEvents, type AgentOptions, type StopInfo } from './agent/agent.js';
export { openAgentState, type AgentState, type AgentStateOptions } from './agent/state/agent-state.js';
export { AgentStateError } from './agent/state/errors.js';
export type { StoredSession, TicketFile } from './agent/state/session-file.js';
export { Executor, type ExecutorOptions } from './agent/executor.js';
export type { Answer, Outbox } from './agent/outbox.js';
export type { ReasonerOptions } from './agent/reasoner.js';
export type { ResultSummary, RunOutcome } from './agent/outcome.js';
export type { Run, RunListener, RunRequest, TaskRunner } from './agent/runner.js';
export type { SettingsByKind } from './agent/settings.js';
export {
  Client,
  type ClientOptions,
  type SubmitOptions,
  type SubmittedTask,
  type WatchOptions,
} from './client/client.js';
export type { ReasoningReport, TaskWorth } from './client/reasoning.js';
export type { PatternQuery, PatternReport, SimilarPattern } from './client/patterns.js';
export { CoordinatorUnreachable, Refused, TaskRejected } from './client/errors.js';
export type { TaskOutcome, TaskQuery, TaskReport, TaskRequest } from './client/task.js';
export { toJson } from './protocol/json-form.js';
export type { EventFilter, EventOptions, MissedEvents } from './client/events.js';
export type { RecurringRequest } from './client/recurring.js';
export { Coordinator, type AuditRecord, type CoordinatorOptions } from './coordinator/coordinator.js';
export type { KindLimit } from './coordinator/core/contract.js';
export type { AgeingRule } from './coordinator/core/tasks/ready-queue.js';
export type { Candidates, RoutableAgent, RoutingPolicy } from './coordinator/core/tasks/routing.js';
export type { CacheRule } from './coordinator/core/tasks/task-book.js';
export type { RoleToken } from './coordinator/shell/core-ports.js';
export {
  openAgentDbPatterns,
  type AgentDbPatternsOptions,
} from './coordinator/shell/patterns/agentdb-patterns.js';
export {
  builtInPatterns,
  type BuiltInPatternsOptions,
} from './coordinator/shell/patterns/built-in-patterns.js';
export type {
  KeptPatternsOptions,
  PatternIndex,
  PatternRow,
  PatternRows,
} from './coordinator/shell/patterns/kept-patterns.js';
export type { PeerMemoryLimits } from './coordinator/shell/peer-memory.js';
export type { RecycleRule } from './coordinator/shell/wear.js';
export type { Clock } from './observe/clock.js';
export type {
  CoordinatorView,
  EventListener,
  ReadyCheck,
  StatusView,
  TaskFilterView,
  TaskView,
} from './observe/coordinator-view.js';
export type { Log } from './observe/log.js';
export type { Buckets } from './observe/metrics/buckets.js';
export type {
  ConnectionFigures,
  CoordinatorFigures,
  KindFigures,
  MessageFigures,
  ReadyFigures,
  ReasoningFigures,
  TrafficFigures,
} from './observe/metrics/snapshot.js';
export type { ProcessFacts } from './observe/process-load.js';
export type { FinishedSpan, SpanPlace, SpanSink } from './observe/tracing/spans.js';
export type { CloseMeaning } from './protocol/close-words.js';
export { ProtocolError, type ErrorContext } from './protocol/errors.js';
export type { RecycleLimits } from './protocol/limits.js';
export type {
  AgentSummary,
  AgentType,
  ErrorDetail,
  FinishedState,
  Lease,
  LogLevel,
  RecurringSummary,
  SwarmEvent,
  TaskHistoryEntry,
  TaskState,
  TaskSummary,
  UnfinishedState,
} from './protocol/messages.js';
export type {
  Context as ExperienceContext,
  Experience,
  ExperienceSource,
  Outcome as ExperienceOutcome,
  Scalar,
} from './reasoning/experience.js';
export type { Batch, Distiller, Judged } from './reasoning/memory/distiller.js';
export type { MemoryDraft } from './reasoning/memory/item.js';
export type { DecayedMoments, PlainDecayedMoments } from './reasoning/statistics/decayed-moments.js';
export type { Judge, Judgement, Standing, Suggestion, Verdict, VerdictParts } from './reasoning/verdict.js';
export type { TraceContext } from './protocol/traceparent.js';
export { decodeValue, encodeValue, ValueError } from './protocol/value.js';
export type { NearPattern, PatternCounts, PatternStore } from './reasoning/patterns/pattern-store.js';
export type { Pattern, PatternOutcome } from './reasoning/patterns/pattern.js';
export { MemoryStore, type MemoryStoreLimits } from './store/memory-store.js';
export { StoreOpenError, type StoreOpenReason } from './store/open-error.js';
export type * from './store/records.js';
export type { SqliteTuning } from './store/sqlite/messages.js';
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './store/sqlite/sqlite-store.js';
export type * from './store/store.js';
export type { ComputeFunction, UserFunction, UserHandlers, UserKind } from './tasks/handlers-file.js';
export { TaskFailure } from './tasks/failure.js';
export { TaskInputError, type TaskContext, type TaskHandler } from './tasks/kind.js';
export type { Setting, Settings } from './tasks/tuning.js';
export type { DatagramHandler, DatagramPort } from './transport/datagram-port.js';
export {
  createQuicConnector as connectQuic,
  listenQuic,
  memorySessionCache,
  type Address,
  type ClientTls,
  type DropReason,
  type EarlyCounters,
  type QuicConnector,
  type QuicConnectorOptions,
  type QuicListener,
  type QuicListenerOptions,
  type SessionCache,
  type TicketStorage,
  type TransportSettings,
  type UdpPayload,
} from './transport/index.js';
export type { ServerIdentity } from './transport/quic-listener.js';
export type * from './transport/transport.js';
