import {
  AGENT_TYPES,
  count,
  errorDetail,
  fraction,
  joinToken,
  kind,
  lease,
  ms,
  name,
  nonce,
  note,
  protocolVersion,
  protocolVersions,
  requestId,
  runMs,
  software,
  STREAM_PURPOSES,
  TASK_STATES,
  taskId,
  text,
} from './fields.js';
import { MAX_CONCURRENCY } from './limits.js';
import {
  boolean,
  dictionary,
  integer,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  scalar,
  type Static,
} from './schema.js';

/**
 * Every message of protocol version 1: its name on the wire, its fields, their types and ranges.
 * Times end in `At` (milliseconds since the Unix epoch), durations in `Ms`, sizes in `Bytes`.
 * Unknown fields are ignored; a missing or wrong one is refused by name (ErrorReport).
 */

export { AGENT_TYPES, STREAM_PURPOSES, TASK_STATES } from './fields.js';

/** A task as clients see it. */
export const TaskSummary = object({
  taskId,
  kind,
  state: oneOf(TASK_STATES, 'state of the task'),
  priority: integer({ minimum: 0, maximum: 10, description: '10 is dispatched first' }),
  agentId: nullable(name('agent of the last attempt')),
  attempts: count('attempts started'),
  submittedAt: ms('when it was accepted'),
  queuedMs: nullable(ms('from acceptance to the start of the last attempt')),
  runMs: nullable(runMs),
  error: nullable(errorDetail),
  progress: nullable(fraction('done so far')),
  maxAttempts: optional(integer({ minimum: 1, maximum: 1_000_000, description: 'attempts it may have' })),
  notBefore: optional(ms('delayed or retrying: it waits until then')),
  finishedAt: optional(ms('when it ended')),
});

/** What happened to a task, in the words of HistoryEvent. */
export const TASK_HISTORY_EVENTS = [
  'submit',
  'due',
  'lease',
  'progress',
  'complete',
  'fail',
  'timeout',
  'lost',
  'cancel',
  'retry',
  'recover',
] as const;
const historyEntry = object({
  event: oneOf(TASK_HISTORY_EVENTS, 'what happened'),
  at: ms('when'),
  attempt: optional(count('lease: which attempt')),
  agentId: optional(name('lease: which agent')),
  detail: optional(note(4608, 'fail, timeout, lost: name of the error and its message')),
});

/** An agent as clients see it. */
export const AgentSummary = object({
  agentId: name('agent'),
  agentType: oneOf(AGENT_TYPES, 'type of the agent'),
  state: oneOf(['connected', 'suspect', 'disconnected', 'draining'], 'state of its session'),
  kinds: list(kind, { maxItems: 64, description: 'kinds of task it takes' }),
  concurrency: count('tasks at once'),
  activeTasks: count('leases it holds'),
  load: fraction('of its processor, as it says'),
  memoryBytes: count('resident memory, as it says'),
  rttMs: nullable(ms('smoothed round-trip time')),
  connectedAt: ms('start of the session'),
  lastHeardAt: ms('when something last arrived from it'),
  stalled: optional(boolean({ description: 'it has credit and work waits for it, but it finishes nothing' })),
  completed: count('tasks completed in this session'),
  failed: count('tasks failed in this session'),
  address: text(128, 'HOST:PORT'),
});

/** What each message is for, who sends it, and its payload stand in rules.ts. */
export const messageSchemas = {
  // ---- control stream, first message each way
  AgentHandshake: object({
    protocolVersions,
    agentId: name('unique name of the agent'),
    agentType: oneOf(AGENT_TYPES, 'what work it is for'),
    kinds: list(kind, { maxItems: 64, description: 'kinds of task it takes' }),
    concurrency: integer({
      minimum: 1,
      maximum: MAX_CONCURRENCY,
      description: 'tasks at once: the credit it gives',
    }),
    software,
    joinToken,
    sessionToken: optional(text(256, 'token of the last AgentAck: resumes that session')),
    nonce,
    leases: optional(
      list(object(lease), {
        maxItems: MAX_CONCURRENCY,
        description: 'leases the agent still works on or holds results for, when it resumes',
      }),
    ),
  }),
  AgentAck: object({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    sessionToken: text(256, 'proves the session when the agent comes back; keep it secret'),
    resumed: boolean({ description: 'the session of the presented token goes on' }),
    assignedStreams: list(
      object({
        purpose: oneOf(STREAM_PURPOSES, 'what the stream carries'),
        priority: integer({ minimum: 0, maximum: 7, description: 'urgency, 0 first (RFC 9218)' }),
      }),
      { minItems: 1, maxItems: 16, description: 'the streams to open and use, in order' },
    ),
    configuration: object(
      {
        heartbeatIntervalMs: ms('send a HeartbeatMessage this often'),
        sessionGraceMs: ms('how long leases outlive a lost connection'),
        maxMessageBytes: count('longest frame body accepted'),
        ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
      },
      { description: 'how the coordinator wants to be spoken to' },
    ),
    abortedTasks: list(object(lease), {
      maxItems: MAX_CONCURRENCY,
      description: 'leases the agent named that are no longer its own: abort them, drop their results',
    }),
  }),
  ClientHandshake: object({
    protocolVersions,
    clientId: name('name of the client, for logs'),
    software,
    joinToken,
    nonce,
  }),
  ClientAck: object({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    configuration: object(
      {
        maxMessageBytes: count('longest frame body accepted'),
        ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
      },
      { description: 'how the coordinator wants to be spoken to' },
    ),
    kinds: list(kind, { maxItems: 1024, description: 'kinds of task accepted now' }),
  }),
  StreamOpen: object({ purpose: oneOf(STREAM_PURPOSES, 'as assigned in AgentAck') }),

  // ---- both ways
  HeartbeatMessage: object({
    sequence: count('counts up from 1 in each direction of a connection'),
    sentAt: ms("sender's clock"),
    load: fraction('processor load of the sending process'),
    activeTasks: count('tasks running (agent) or leased (coordinator)'),
    queuedTasks: count('tasks received but not started (agent) or ready (coordinator)'),
    memoryBytes: count('resident memory of the sending process'),
    concurrency: optional(
      integer({ minimum: 0, maximum: MAX_CONCURRENCY, description: 'agent: new credit; 0 pauses dispatch' }),
    ),
  }),
  MessageAck: object({
    status: oneOf(
      ['received', 'processed'],
      'received: stored, work follows; processed: stored, nothing more follows',
    ),
    requestIds: list(requestId, {
      maxItems: 65535,
      description: 'requests acknowledged; [] when there are none',
    }),
    taskIds: list(taskId, {
      maxItems: 65535,
      description:
        'their tasks, in the order of requestIds; without requests: the tasks whose results were stored, and experienceIds that were',
    }),
  }),
  ErrorReport: object({
    code: integer({ minimum: 1, maximum: 65535, description: 'number of the error' }),
    name: text(64, 'its name'),
    message: note(4096, 'what, where, what to do'),
    messageType: optional(text(64, 'type of the message this answers')),
    field: optional(text(256, 'path of the field at fault, such as /priority')),
    requestId: optional(requestId),
    taskId: optional(taskId),
    retryAfterMs: optional(ms('when trying again may help')),
  }),
  DrainNotice: object({
    reason: note(1024, 'why the sender takes no new work'),
    deadlineMs: ms('how long running work may go on'),
  }),
  CancelTask: object({
    taskId,
    requestId: optional(requestId),
    epoch: optional(
      integer({ minimum: 1, maximum: 2 ** 48, description: 'coordinator to agent: which lease' }),
    ),
    reason: oneOf(['cancelled', 'timeout', 'superseded'], 'why the work is no longer wanted'),
  }),

  // ---- coordinator to agent
  AgentTask: object({
    ...lease,
    kind,
    priority: integer({ minimum: 0, maximum: 10, description: '10 first' }),
    timeoutMs: ms('how long the attempt may run'),
  }),
  AdaptationCommand: object({
    adaptationId: text(64, 'UUID version 7'),
    kind,
    suggestions: list(
      object({
        parameter: text(64, 'name of the parameter'),
        current: scalar({ description: 'its value now' }),
        suggested: scalar({ description: 'the value to use from the next task on' }),
        reason: note(1024, 'why, for people'),
      }),
      { maxItems: 64, description: 'one for each parameter to change' },
    ),
  }),

  // ---- agent to coordinator
  TaskProgress: object({
    taskId,
    epoch: lease.epoch,
    fraction: fraction('done so far'),
    note: optional(note(256, 'what it is doing, for people')),
  }),
  TaskCompletion: object({
    ...lease,
    outcome: oneOf(
      ['completed', 'failed', 'cancelled'],
      'how the attempt ended; cancelled: aborted on request, or handed back undone',
    ),
    runMs,
    error: optional(errorDetail),
  }),
  PatternMatchResult: object({
    ...lease,
    runMs,
    patternType: text(64, 'metric and mode, such as dtw-subsequence'),
    matchCount: count('matches in the result'),
    confidence: nullable(fraction('how sure; null without matches')),
    expectedOutcome: nullable(number({ description: 'what followed the matches; null when nothing did' })),
    computeTimeMs: ms('time in the matching itself'),
  }),
  StrategyCorrelation: object({
    ...lease,
    runMs,
    strategyIds: list(text(128, 'strategy'), {
      maxItems: 10_000,
      description: 'rows and columns of the matrices',
    }),
    methods: list(oneOf(['pearson', 'spearman', 'kendall', 'lcs'], 'method'), {
      maxItems: 4,
      description: 'methods computed',
    }),
    computeTimeMs: ms('time in the correlation itself'),
  }),
  NeuralGradients: object({
    ...lease,
    modelVersion: count('version of the weights they were computed at'),
    batchSize: integer({ minimum: 1, maximum: 2 ** 31, description: 'samples averaged over' }),
    loss: number({ description: 'mean loss of the batch' }),
    encoding: oneOf(['float32', 'float16', 'top-k'], 'form of the payload'),
  }),
  ReasoningExperience: object({
    experienceId: text(64, 'UUID version 7, made by the agent: the same id is recorded once'),
    agentId: name('agent it belongs to'),
    taskId: optional(taskId),
    action: text(128, 'what was done'),
    context: dictionary(scalar({}), { maxProperties: 64, description: 'circumstances by name' }),
    outcome: object({
      value: number({ description: 'what came of it; the larger the better' }),
      confidence: fraction('how sure the agent is'),
      latencyMs: ms('how long it took'),
    }),
    recordedAt: ms("agent's clock"),
  }),

  // ---- client to coordinator
  SubmitTask: object({
    requestId,
    kind,
    priority: optional(integer({ minimum: 0, maximum: 10, description: 'default 5; 10 first' })),
    timeoutMs: optional(
      number({
        minimum: 1,
        maximum: 2 ** 40,
        description: "for each attempt; default the coordinator's --task-timeout",
      }),
    ),
    attempts: optional(integer({ minimum: 1, maximum: 1000, description: 'at most; default 3' })),
    delayMs: optional(ms('not before this long from now')),
    idempotencyKey: optional(text(256, 'the same key gives the same task')),
    affinity: optional(text(256, 'tasks of one key prefer one agent')),
    watch: boolean({ description: 'send a TaskUpdate when the task ends' }),
  }),
  QueryTask: object({ requestId, taskId }),
  QueryTasks: object({
    requestId,
    state: optional(oneOf(TASK_STATES, 'only tasks in this state')),
    kind: optional(kind),
    limit: optional(integer({ minimum: 1, maximum: 1000, description: 'at most; default 100' })),
    before: optional(text(64, 'only tasks submitted before this one: the last taskId of the page before')),
  }),
  RetryTask: object({ requestId, taskId }),
  WatchTask: object({ requestId, taskId }),
  QueryStatus: object({ requestId }),
  QueryAgents: object({ requestId }),

  // ---- coordinator to client
  TaskUpdate: object({
    requestId,
    task: TaskSummary,
    history: optional(
      list(historyEntry, { maxItems: 64, description: 'to QueryTask: what happened, oldest first' }),
    ),
  }),
  TasksReport: object({
    requestId,
    tasks: list(TaskSummary, { maxItems: 1000, description: 'the newest submission first' }),
    more: boolean({ description: 'older ones match as well: ask again with `before`' }),
  }),
  StatusReport: object({
    requestId,
    coordinatorId: text(128, 'which coordinator this is'),
    version: text(64, 'version of its software'),
    startedAt: ms('start of the process'),
    draining: boolean({ description: 'it takes no new tasks' }),
    agents: dictionary(count('agents'), { maxProperties: 64, description: 'agents by type' }),
    tasks: dictionary(count('tasks'), { maxProperties: 64, description: 'tasks by state' }),
    queued: dictionary(count('ready tasks'), { maxProperties: 1024, description: 'ready tasks by kind' }),
    clients: count('connected clients'),
    memoryBytes: count('resident memory'),
    dropped: dictionary(count('datagrams'), {
      maxProperties: 64,
      description: 'datagrams dropped, by reason',
    }),
    protocolErrors: count('frames refused since the start'),
    counters: optional(
      dictionary(count('since the start'), {
        maxProperties: 64,
        description: 'events since the start by name, such as tasksRetried, sessionsResumed, replaysRefused',
      }),
    ),
  }),
  AgentsReport: object({
    requestId,
    agents: list(AgentSummary, { maxItems: 100_000, description: 'agents known now' }),
  }),
} as const;

export type MessageType = keyof typeof messageSchemas;
export type MessageFields<T extends MessageType> = Static<(typeof messageSchemas)[T]>;
export type Fields = { readonly [T in MessageType]: MessageFields<T> };

/** A message as its sender writes it and its receiver reads it; a discriminated union on `type`. */
export type Message = {
  readonly [T in MessageType]: { readonly type: T } & Readonly<MessageFields<T>>;
}[MessageType];
export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;

export type AgentType = (typeof AGENT_TYPES)[number];
export type TaskState = (typeof TASK_STATES)[number];
export type StreamPurpose = (typeof STREAM_PURPOSES)[number];
export type TaskSummary = Static<typeof TaskSummary>;
export type AgentSummary = Static<typeof AgentSummary>;
export type Lease = Pick<MessageOf<'AgentTask'>, 'taskId' | 'attempt' | 'epoch'>;
export type ErrorDetail = Static<typeof errorDetail>;
export type TaskHistoryEntry = Static<typeof historyEntry>;
