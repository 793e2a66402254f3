import Type, { type Static, type TSchema } from 'typebox';

/**
 * Every message of protocol version 1: its name on the wire, its fields, their types and ranges.
 * Times end in `At` (milliseconds since the Unix epoch), durations in `Ms`, sizes in `Bytes`.
 * Unknown fields are ignored; a missing or wrong one is refused by name (ErrorReport).
 */

const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });
const count = (description: string, maximum = 2 ** 48) => Type.Integer({ minimum: 0, maximum, description });
const ms = (description: string) => Type.Number({ minimum: 0, maximum: 2 ** 48, description });
const requestId = Type.Integer({
  minimum: 0,
  maximum: 2 ** 32 - 1,
  description: 'chosen by the client, unique among its open requests',
});
const name = (description: string) =>
  Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._:@-]*$', description });

export const AGENT_TYPES = ['pattern', 'strategy', 'feature', 'neural', 'reasoning', 'worker'] as const;
export const TASK_STATES = [
  'queued',
  'delayed',
  'leased',
  'running',
  'retrying',
  'completed',
  'failed',
  'dead',
  'cancelled',
] as const;
export const STREAM_PURPOSES = ['control', 'tasks-high', 'tasks-normal', 'tasks-low', 'bulk'] as const;

const literals = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>(Type.Enum([...values], { description }));

const kind = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-z][a-z0-9-]*$',
  description: 'kind of task',
});
const taskId = text(64, 'UUID version 7 of the task');
const lease = {
  taskId,
  attempt: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'which try this is, from 1' }),
  epoch: Type.Integer({
    minimum: 1,
    maximum: 2 ** 48,
    description: 'fencing number of the lease; an answer with an older one is refused',
  }),
};
const runMs = ms('time the handler took on the agent');
const errorDetail = Type.Object(
  {
    name: text(64, 'stable name of the error, for programs'),
    message: Type.String({ maxLength: 4096, description: 'one sentence for people' }),
    retryable: Type.Boolean({ description: 'another attempt may succeed' }),
  },
  { description: 'why a task did not complete' },
);
const protocolVersions = Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
  minItems: 1,
  maxItems: 16,
  description: 'protocol versions the sender speaks',
});
const protocolVersion = Type.Integer({ minimum: 1, maximum: 65535, description: 'the version both will speak' });
const software = text(128, 'name and version of the sending program, for logs');
const joinToken = Type.Optional(text(1024, 'shared secret, when the coordinator wants one'));

export const TaskSummary = Type.Object({
  taskId,
  kind,
  state: literals(TASK_STATES, 'state of the task'),
  priority: Type.Integer({ minimum: 0, maximum: 10, description: '10 is dispatched first' }),
  agentId: Type.Union([name('agent of the last attempt'), Type.Null()]),
  attempts: count('attempts started'),
  submittedAt: ms('when it was accepted'),
  queuedMs: Type.Union([ms('from acceptance to the start of the last attempt'), Type.Null()]),
  runMs: Type.Union([runMs, Type.Null()]),
  error: Type.Union([errorDetail, Type.Null()]),
  progress: Type.Union([Type.Number({ minimum: 0, maximum: 1, description: 'fraction done' }), Type.Null()]),
});

export const AgentSummary = Type.Object({
  agentId: name('agent'),
  agentType: literals(AGENT_TYPES, 'type of the agent'),
  state: literals(['connected', 'suspect', 'disconnected', 'draining'] as const, 'state of its session'),
  kinds: Type.Array(kind, { maxItems: 64 }),
  concurrency: count('tasks at once'),
  activeTasks: count('leases it holds'),
  load: Type.Number({ minimum: 0, maximum: 1, description: 'of its processor, as it says' }),
  memoryBytes: count('resident memory, as it says'),
  rttMs: Type.Union([ms('smoothed round-trip time'), Type.Null()]),
  connectedAt: ms('start of the session'),
  lastHeardAt: ms('when something last arrived from it'),
  completed: count('tasks completed in this session'),
  failed: count('tasks failed in this session'),
  address: text(128, 'HOST:PORT'),
});

const fields = <const T extends Record<string, TSchema>>(properties: T) => Type.Object(properties);

export const messageSchemas = {
  // ---- control stream, first message each way
  AgentHandshake: fields({
    protocolVersions,
    agentId: name('unique name of the agent'),
    agentType: literals(AGENT_TYPES, 'what work it is for'),
    kinds: Type.Array(kind, { minItems: 0, maxItems: 64, description: 'kinds of task it takes' }),
    concurrency: Type.Integer({ minimum: 1, maximum: 65535, description: 'tasks at once: the credit it gives' }),
    software,
    joinToken,
    sessionToken: Type.Optional(text(256, 'token of the last AgentAck: resumes that session')),
    leases: Type.Optional(
      Type.Array(Type.Object(lease), {
        maxItems: 65535,
        description: 'leases the agent still works on or holds results for, when it resumes',
      }),
    ),
  }),
  AgentAck: fields({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    sessionToken: text(256, 'proves the session when the agent comes back; keep it secret'),
    resumed: Type.Boolean({ description: 'the session of the presented token goes on' }),
    assignedStreams: Type.Array(
      Type.Object({
        purpose: literals(STREAM_PURPOSES, 'what the stream carries'),
        priority: Type.Integer({ minimum: 0, maximum: 7, description: 'urgency, 0 first (RFC 9218)' }),
      }),
      { minItems: 1, maxItems: 16, description: 'the streams to open and use, in order' },
    ),
    configuration: Type.Object({
      heartbeatIntervalMs: ms('send a HeartbeatMessage this often'),
      sessionGraceMs: ms('how long leases outlive a lost connection'),
      maxMessageBytes: count('longest frame body accepted'),
      ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
    }),
    abortedTasks: Type.Array(Type.Object(lease), {
      maxItems: 65535,
      description: 'leases the agent named that are no longer its own: abort them, drop their results',
    }),
  }),
  ClientHandshake: fields({ protocolVersions, clientId: name('name of the client, for logs'), software, joinToken }),
  ClientAck: fields({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    configuration: Type.Object({
      maxMessageBytes: count('longest frame body accepted'),
      ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
    }),
    kinds: Type.Array(kind, { maxItems: 1024, description: 'kinds of task accepted now' }),
  }),
  /** First message on every stream after control: says what the stream is for. */
  StreamOpen: fields({ purpose: literals(STREAM_PURPOSES, 'as assigned in AgentAck') }),

  // ---- both ways
  HeartbeatMessage: fields({
    sequence: count('counts up from 1 in each direction'),
    sentAt: ms("sender's clock"),
    load: Type.Number({ minimum: 0, maximum: 1, description: 'processor load of the sending process' }),
    activeTasks: count('tasks running (agent) or leased (coordinator)'),
    queuedTasks: count('tasks received but not started (agent) or ready (coordinator)'),
    memoryBytes: count('resident memory of the sending process'),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65535, description: 'agent: new credit; 0 pauses dispatch' }),
    ),
  }),
  MessageAck: fields({
    status: literals(
      ['received', 'processed'] as const,
      'received: stored, work follows; processed: stored, nothing more follows',
    ),
    requestIds: Type.Array(requestId, { maxItems: 65535, description: 'requests acknowledged; [] when there are none' }),
    taskIds: Type.Array(taskId, {
      maxItems: 65535,
      description: 'their tasks, in the order of requestIds; or the tasks whose results were stored',
    }),
  }),
  ErrorReport: fields({
    code: Type.Integer({ minimum: 1, maximum: 65535, description: 'number of the error' }),
    name: text(64, 'its name'),
    message: Type.String({ maxLength: 4096, description: 'what, where, what to do' }),
    messageType: Type.Optional(text(64, 'type of the message this answers')),
    field: Type.Optional(text(256, 'path of the field at fault, such as /priority')),
    requestId: Type.Optional(requestId),
    taskId: Type.Optional(taskId),
    retryAfterMs: Type.Optional(ms('when trying again may help')),
  }),
  DrainNotice: fields({
    reason: Type.String({ maxLength: 1024, description: 'why the sender takes no new work' }),
    deadlineMs: ms('how long running work may go on'),
  }),
  CancelTask: fields({
    taskId,
    requestId: Type.Optional(requestId),
    epoch: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 48, description: 'coordinator to agent: which lease' })),
    reason: literals(['cancelled', 'timeout', 'superseded'] as const, 'why the work is no longer wanted'),
  }),

  // ---- coordinator to agent
  AgentTask: fields({
    ...lease,
    kind,
    priority: Type.Integer({ minimum: 0, maximum: 10, description: '10 first' }),
    timeoutMs: ms('how long the attempt may run'),
  }),
  AdaptationCommand: fields({
    adaptationId: text(64, 'UUID version 7'),
    kind,
    suggestions: Type.Array(
      Type.Object({
        parameter: text(64, 'name of the parameter'),
        current: Type.Union([Type.Number(), Type.String({ maxLength: 256 }), Type.Boolean(), Type.Null()]),
        suggested: Type.Union([Type.Number(), Type.String({ maxLength: 256 }), Type.Boolean(), Type.Null()]),
        reason: Type.String({ maxLength: 1024 }),
      }),
      { maxItems: 64 },
    ),
  }),

  // ---- agent to coordinator
  TaskProgress: fields({
    taskId,
    epoch: lease.epoch,
    fraction: Type.Number({ minimum: 0, maximum: 1, description: 'done so far' }),
    note: Type.Optional(Type.String({ maxLength: 256 })),
  }),
  /** Ends a lease. Payload: the result (outcome completed). */
  TaskCompletion: fields({
    ...lease,
    outcome: literals(['completed', 'failed', 'cancelled'] as const, 'how the attempt ended'),
    runMs,
    error: Type.Optional(errorDetail),
  }),
  /** Ends the lease of a completed `pattern-match`; what the ReasoningBank needs stands in the fields. Payload: the result. */
  PatternMatchResult: fields({
    ...lease,
    runMs,
    patternType: text(64, 'metric and mode, such as dtw-subsequence'),
    matchCount: count('matches in the result'),
    confidence: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()]),
    expectedOutcome: Type.Union([Type.Number(), Type.Null()]),
    computeTimeMs: ms('time in the matching itself'),
  }),
  /** Ends the lease of a completed `strategy-correlation`. Payload: the result. */
  StrategyCorrelation: fields({
    ...lease,
    runMs,
    strategyIds: Type.Array(text(128, 'strategy'), { maxItems: 10_000 }),
    methods: Type.Array(literals(['pearson', 'spearman', 'kendall', 'lcs'] as const, 'method'), { maxItems: 4 }),
    computeTimeMs: ms('time in the correlation itself'),
  }),
  /** Gradients of one batch. Payload: all gradients end to end in the stated encoding. */
  NeuralGradients: fields({
    ...lease,
    modelVersion: count('version of the weights they were computed at'),
    batchSize: Type.Integer({ minimum: 1, maximum: 2 ** 31, description: 'samples averaged over' }),
    loss: Type.Number({ description: 'mean loss of the batch' }),
    encoding: literals(['float32', 'float16', 'top-k'] as const, 'form of the payload'),
  }),
  ReasoningExperience: fields({
    experienceId: text(64, 'UUID version 7, made by the agent: the same id is recorded once'),
    agentId: name('agent it belongs to'),
    taskId: Type.Optional(taskId),
    action: text(128, 'what was done'),
    context: Type.Record(
      Type.String({ maxLength: 64 }),
      Type.Union([Type.Number(), Type.String({ maxLength: 256 }), Type.Boolean(), Type.Null()]),
      { description: 'circumstances by name', maxProperties: 64 },
    ),
    outcome: Type.Object({
      value: Type.Number({ description: 'what came of it; the larger the better' }),
      confidence: Type.Number({ minimum: 0, maximum: 1 }),
      latencyMs: ms('how long it took'),
    }),
    recordedAt: ms("agent's clock"),
  }),

  // ---- client to coordinator
  /** Payload: the input of the task. */
  SubmitTask: fields({
    requestId,
    kind,
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 10, description: 'default 5; 10 first' })),
    timeoutMs: Type.Optional(
      Type.Number({ minimum: 1, maximum: 2 ** 40, description: "for each attempt; default the coordinator's --task-timeout" }),
    ),
    attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'at most; default 3' })),
    delayMs: Type.Optional(ms('not before this long from now')),
    idempotencyKey: Type.Optional(text(256, 'the same key gives the same task')),
    affinity: Type.Optional(text(256, 'tasks of one key prefer one agent')),
    watch: Type.Boolean({ description: 'send a TaskUpdate when the task ends' }),
  }),
  QueryTask: fields({ requestId, taskId }),
  WatchTask: fields({ requestId, taskId }),
  QueryStatus: fields({ requestId }),
  QueryAgents: fields({ requestId }),

  // ---- coordinator to client
  /** Answers QueryTask and WatchTask, and follows a watched task to its end. Payload: the result when completed. */
  TaskUpdate: fields({ requestId, task: TaskSummary }),
  StatusReport: fields({
    requestId,
    coordinatorId: text(128, 'which coordinator this is'),
    version: text(64, 'version of its software'),
    startedAt: ms('start of the process'),
    draining: Type.Boolean(),
    agents: Type.Record(Type.String(), count('agents'), { description: 'agents by type' }),
    tasks: Type.Record(Type.String(), count('tasks'), { description: 'tasks by state' }),
    queued: Type.Record(Type.String(), count('ready tasks'), { description: 'ready tasks by kind' }),
    clients: count('connected clients'),
    memoryBytes: count('resident memory'),
    dropped: Type.Record(Type.String(), count('datagrams'), { description: 'datagrams dropped, by reason' }),
    protocolErrors: count('frames refused since the start'),
  }),
  AgentsReport: fields({ requestId, agents: Type.Array(AgentSummary, { maxItems: 100_000 }) }),
} as const;

export type MessageType = keyof typeof messageSchemas;
export type MessageFields<T extends MessageType> = Static<(typeof messageSchemas)[T]>;
export type Fields = { readonly [T in MessageType]: MessageFields<T> };

/** A message as its sender writes it and its receiver reads it; a discriminated union on `type`. */
export type Message = { readonly [T in MessageType]: { readonly type: T } & Readonly<MessageFields<T>> }[MessageType];
export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;

export type AgentType = (typeof AGENT_TYPES)[number];
export type TaskState = (typeof TASK_STATES)[number];
export type StreamPurpose = (typeof STREAM_PURPOSES)[number];
export type TaskSummary = Static<typeof TaskSummary>;
export type AgentSummary = Static<typeof AgentSummary>;
export type Lease = Pick<MessageOf<'AgentTask'>, 'taskId' | 'attempt' | 'epoch'>;
export type ErrorDetail = Static<typeof errorDetail>;
