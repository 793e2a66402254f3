import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from '../src/protocol/envelope.js';
import type { Lease, Message, MessageOf, MessageType } from '../src/protocol/messages.js';
import { encodeValue } from '../src/protocol/value.js';

/**
 * Writes the golden byte vectors under test/fixtures/protocol. Run it from the top of the repository after a
 * deliberate change of the wire format; the tests compare with what is committed.
 */

export const VECTORS_FOLDER = 'test/fixtures/protocol';

export interface MessageVector {
  readonly name: string;
  /** The whole frame, length prefix included. */
  readonly hex: string;
  readonly message: Message;
  /** The payload, or null when there is none. */
  readonly payloadHex: string | null;
}

export interface ValueVector {
  readonly name: string;
  readonly hex: string;
  /** JSON; arrays of numbers as `{"$float64": [1, "NaN"]}`, byte strings as `{"$bytes": "00ff"}`. */
  readonly value: unknown;
  /** True for a form that is accepted, but that this implementation does not write. */
  readonly decodeOnly?: true;
}

export interface BadVector {
  readonly name: string;
  /** A stream of frames, the body of a frame, or a payload value. */
  readonly what: 'stream' | 'body' | 'value';
  readonly hex: string;
  readonly error: string;
  readonly field?: string;
}

const TASK = '0197f3c2-7b1a-7c3d-9e4f-0123456789ab';
const OTHER_TASK = '0197f3c2-7b1b-7000-8000-00000000beef';
const lease: Lease = { taskId: TASK, attempt: 1, epoch: 7 };
const task: MessageOf<'TaskUpdate'>['task'] = {
  taskId: TASK,
  kind: 'pattern-match',
  state: 'completed',
  priority: 5,
  agentId: 'agent-1',
  attempts: 1,
  submittedAt: 1_700_000_000_000,
  queuedMs: 0.5,
  runMs: 12.25,
  error: null,
  progress: 1,
};

type Sample = readonly [name: string, message: Message, payload?: unknown];

/** At least one for each type of message. */
const samples: readonly Sample[] = [
  [
    'AgentHandshake, first time',
    {
      type: 'AgentHandshake',
      protocolVersions: [1],
      agentId: 'agent-1',
      agentType: 'pattern',
      kinds: ['pattern-match', 'compute'],
      concurrency: 4,
      software: 'quic-swarm/0.1.0',
    },
  ],
  [
    'AgentHandshake, resuming in early data',
    {
      type: 'AgentHandshake',
      protocolVersions: [2, 1],
      agentId: 'agent-1',
      agentType: 'worker',
      kinds: [],
      concurrency: 4096,
      software: 'quic-swarm/0.1.0',
      joinToken: 'correct horse',
      sessionToken: 'c2Vzc2lvbg',
      nonce: 'AAECAwQFBgcICQoLDA0ODw',
      leases: [lease, { taskId: OTHER_TASK, attempt: 3, epoch: 300 }],
    },
  ],
  [
    'AgentAck',
    {
      type: 'AgentAck',
      protocolVersion: 1,
      coordinatorId: 'coordinator-1',
      sessionToken: 'c2Vzc2lvbg',
      resumed: false,
      assignedStreams: [
        { purpose: 'control', priority: 0 },
        { purpose: 'tasks-high', priority: 1 },
        { purpose: 'tasks-normal', priority: 3 },
        { purpose: 'tasks-low', priority: 5 },
      ],
      configuration: {
        heartbeatIntervalMs: 10_000,
        sessionGraceMs: 60_000,
        maxMessageBytes: 67_108_864,
        ownStreamThresholdBytes: 65_536,
      },
      abortedTasks: [],
    },
  ],
  [
    'ClientHandshake',
    {
      type: 'ClientHandshake',
      protocolVersions: [1],
      clientId: 'submit',
      software: 'quic-swarm/0.1.0',
      joinToken: 's',
    },
  ],
  [
    'ClientAck',
    {
      type: 'ClientAck',
      protocolVersion: 1,
      coordinatorId: 'coordinator-1',
      configuration: { maxMessageBytes: 67_108_864, ownStreamThresholdBytes: 65_536 },
      kinds: ['compute', 'pattern-match'],
    },
  ],
  ['StreamOpen', { type: 'StreamOpen', purpose: 'tasks-normal' }],
  [
    'HeartbeatMessage of a coordinator',
    {
      type: 'HeartbeatMessage',
      sequence: 1,
      sentAt: 1_700_000_000_123,
      load: 0.25,
      activeTasks: 2,
      queuedTasks: 100_000,
      memoryBytes: 268_435_456,
    },
  ],
  [
    'HeartbeatMessage of an agent that pauses dispatch',
    {
      type: 'HeartbeatMessage',
      sequence: 65_536,
      sentAt: 1_700_000_000_123.5,
      load: 1,
      activeTasks: 0,
      queuedTasks: 0,
      memoryBytes: 5_000_000_000,
      concurrency: 0,
    },
  ],
  [
    'MessageAck of requests',
    { type: 'MessageAck', status: 'received', requestIds: [1, 300], taskIds: [TASK, OTHER_TASK] },
  ],
  ['MessageAck of results', { type: 'MessageAck', status: 'processed', requestIds: [], taskIds: [TASK] }],
  [
    'ErrorReport, bare',
    {
      type: 'ErrorReport',
      code: 0x12,
      name: 'BAD_MESSAGEPACK',
      message: 'the body is not an array of 2 or 3 elements',
    },
  ],
  [
    'ErrorReport, full',
    {
      type: 'ErrorReport',
      code: 0x30,
      name: 'QUEUE_FULL',
      message: 'the queue holds 1000000 tasks; try again later',
      messageType: 'SubmitTask',
      field: '/kind',
      requestId: 4_294_967_295,
      taskId: TASK,
      retryAfterMs: 250,
    },
  ],
  ['LogLevelCommand', { type: 'LogLevelCommand', level: 'debug' }],
  ['DrainNotice', { type: 'DrainNotice', reason: 'the coordinator stops – au revoir', deadlineMs: 30_000 }],
  ['CancelTask of a client', { type: 'CancelTask', taskId: TASK, requestId: 9, reason: 'cancelled' }],
  ['CancelTask to an agent', { type: 'CancelTask', taskId: TASK, epoch: 7, reason: 'timeout' }],
  [
    'AgentTask, compute echo',
    { type: 'AgentTask', ...lease, kind: 'compute', priority: 5, timeoutMs: 300_000 },
    { function: 'echo', input: 1 },
  ],
  [
    'AgentTask, typed arrays',
    { type: 'AgentTask', ...lease, kind: 'pattern-match', priority: 10, timeoutMs: 0.5 },
    {
      current: new Float64Array([1, 2.5, Number.NaN]),
      series: new Float64Array(32).map((_, i) => i / 4),
      k: 5,
    },
  ],
  [
    'AdaptationCommand',
    {
      type: 'AdaptationCommand',
      adaptationId: OTHER_TASK,
      kind: 'pattern-match',
      suggestions: [
        { parameter: 'metric', current: 'dtw', suggested: 'lcss', reason: 'higher hit rate over 50 tasks' },
        { parameter: 'window', current: null, suggested: 10, reason: '' },
        { parameter: 'normalize', current: false, suggested: true, reason: 'series differ in level' },
      ],
    },
  ],
  [
    'AgentTask with memories',
    {
      type: 'AgentTask',
      ...lease,
      kind: 'pattern-match',
      priority: 5,
      timeoutMs: 300_000,
      memories: [
        { title: 'pattern-match: works well', description: '8 went well.', content: 'Keep metric = dtw.' },
      ],
    },
    { current: new Float64Array([1, 2]), series: new Float64Array(8), metric: 'dtw' },
  ],
  ['AdaptationAck, applied', { type: 'AdaptationAck', adaptationId: OTHER_TASK, outcome: 'applied' }],
  [
    'AdaptationAck, refused',
    {
      type: 'AdaptationAck',
      adaptationId: OTHER_TASK,
      outcome: 'refused',
      reason: "pattern-match has no parameter 'colour'",
    },
  ],
  ['TaskProgress', { type: 'TaskProgress', taskId: TASK, epoch: 7, fraction: 0.5, note: 'half' }],
  ['TaskCompletion, completed', { type: 'TaskCompletion', ...lease, outcome: 'completed', runMs: 1.5 }, null],
  [
    'TaskCompletion, failed',
    {
      type: 'TaskCompletion',
      ...lease,
      outcome: 'failed',
      runMs: 0,
      error: { name: 'BAD_INPUT', message: 'input.current: empty', retryable: false },
    },
  ],
  ['TaskCompletion, cancelled', { type: 'TaskCompletion', ...lease, outcome: 'cancelled', runMs: 3 }],
  [
    'PatternMatchResult',
    {
      type: 'PatternMatchResult',
      ...lease,
      runMs: 12,
      patternType: 'dtw-subsequence',
      matchCount: 1,
      confidence: 0.75,
      expectedOutcome: -0.002,
      computeTimeMs: 11.5,
    },
    { patternType: 'dtw-subsequence', matches: [{ offset: 17, distance: 1.5, similarity: 0.4 }] },
  ],
  [
    'PatternMatchResult without matches',
    {
      type: 'PatternMatchResult',
      ...lease,
      runMs: 12,
      patternType: 'lcss',
      matchCount: 0,
      confidence: null,
      expectedOutcome: null,
      computeTimeMs: 11.5,
    },
    { matches: [] },
  ],
  [
    'StrategyCorrelation',
    {
      type: 'StrategyCorrelation',
      ...lease,
      runMs: 2,
      strategyIds: ['a', 'b'],
      methods: ['pearson', 'kendall'],
      computeTimeMs: 1,
    },
    {
      strategyIds: ['a', 'b'],
      matrix: { pearson: [new Float64Array([1, 0.5]), new Float64Array([0.5, 1])] },
    },
  ],
  [
    'NeuralGradients',
    {
      type: 'NeuralGradients',
      ...lease,
      runMs: 12.5,
      modelVersion: 3,
      batchSize: 64,
      loss: 0.693,
      encoding: 'float32',
    },
    new Float32Array([0.5, -0.25]),
  ],
  [
    'ReasoningExperience',
    {
      type: 'ReasoningExperience',
      experienceId: OTHER_TASK,
      agentId: 'agent-1',
      taskId: TASK,
      action: 'match-dtw',
      context: { regime: 'calm', volatility: 0.12, hedged: false, sector: null },
      outcome: { value: -0.01, confidence: 0.9, latencyMs: 12 },
      recordedAt: 1_700_000_000_000,
    },
  ],
  [
    'ReasoningExperience, to be judged',
    {
      type: 'ReasoningExperience',
      experienceId: `task:${TASK}`,
      agentId: 'agent-1',
      taskId: TASK,
      action: 'forecast',
      context: { metric: 'dtw', points: 20 },
      outcome: { value: 0.5, confidence: 0.75, latencyMs: 12 },
      recordedAt: 1_700_000_000_000,
      judging: {
        kind: 'pattern-match',
        source: 'forecast',
        success: true,
        value: 0.5,
        confidence: 0.75,
        latencyMs: 12,
        startedAt: 1_699_999_999_000,
        grade: 0.75,
        peersMedianMs: null,
        outcomes: 4,
        successes: 3,
        scores: { weight: 3.94, squaredWeight: 3.88, mean: 0.25, squares: 0.5 },
        score: 0.3,
        scoreConfidence: 0.9,
      },
    },
  ],
  [
    'ReasoningVerdict',
    {
      type: 'ReasoningVerdict',
      experienceId: `task:${TASK}`,
      agentId: 'agent-1',
      score: 0.25,
      confidence: 0.875,
      suggestions: [{ parameter: 'k', current: 5, suggested: 8, reason: 'more matches' }],
      memories: [
        {
          title: 'more matches',
          description: 'k = 8 was better.',
          content: 'Use k = 8.',
          kind: 'pattern-match',
          learnedFrom: 'success',
          context: { points: 20 },
          sources: [`task:${TASK}`],
        },
      ],
    },
  ],
  ['ReportOutcome, actual', { type: 'ReportOutcome', requestId: 7, taskId: TASK, actual: -0.015 }],
  ['ReportOutcome, value', { type: 'ReportOutcome', requestId: 8, taskId: TASK, value: 0.5, success: true }],
  ['QueryReasoning', { type: 'QueryReasoning', requestId: 9, agentId: 'agent-1' }],
  ['QueryPatterns', { type: 'QueryPatterns', requestId: 10, series: [100, 101.5, 99, 102], limit: 1 }],
  [
    'PatternsReport',
    {
      type: 'PatternsReport',
      requestId: 10,
      store: 'built-in',
      patterns: 2,
      withOutcome: 1,
      similar: [
        {
          taskId: TASK,
          agentId: 'agent-1',
          points: 20,
          recordedAt: 1_700_000_000_000,
          similarity: 0.9375,
          expected: 0.0125,
          confidence: 0.75,
          actual: 0.015625,
          value: null,
        },
      ],
    },
  ],
  [
    'ReasoningReport',
    { type: 'ReasoningReport', requestId: 9 },
    {
      performance: [],
      verdicts: [],
      adaptations: [],
      underWay: [],
      memories: [],
      counters: { experiences: 0 },
    },
  ],
  [
    'SubmitTask, only what is required',
    { type: 'SubmitTask', requestId: 0, kind: 'compute', watch: false },
    { function: 'echo', input: 'hi' },
  ],
  [
    'SubmitTask, everything',
    {
      type: 'SubmitTask',
      requestId: 1,
      kind: 'compute',
      priority: 10,
      timeoutMs: 30_000,
      attempts: 3,
      delayMs: 10_000,
      idempotencyKey: 'order-17',
      affinity: 'AAPL',
      needs: [TASK],
      onFailedNeed: 'skip',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      watch: true,
    },
    { function: 'sleep', input: { ms: 5 } },
  ],
  ['QueryTask', { type: 'QueryTask', requestId: 2, taskId: TASK }],
  ['WatchTask', { type: 'WatchTask', requestId: 3, taskId: TASK }],
  [
    'QueryTasks',
    { type: 'QueryTasks', requestId: 6, state: 'dead', kind: 'compute', limit: 50, before: TASK },
  ],
  ['RetryTask', { type: 'RetryTask', requestId: 7, taskId: TASK }],
  [
    'TasksReport, why a task waits',
    {
      type: 'TasksReport',
      requestId: 6,
      tasks: [
        {
          ...task,
          state: 'queued',
          agentId: null,
          attempts: 0,
          queuedMs: null,
          runMs: null,
          progress: null,
          waitsFor: { reason: 'paused', detail: "kind 'compute' is paused: resume compute lets it go on" },
        },
      ],
      more: true,
    },
  ],
  ['PauseKind', { type: 'PauseKind', requestId: 8, kind: 'compute' }],
  ['ResumeKind', { type: 'ResumeKind', requestId: 9, kind: 'compute' }],
  [
    'AddRecurring',
    {
      type: 'AddRecurring',
      requestId: 11,
      name: 'nightly',
      cron: '0 3 * * *',
      timeZone: 'Europe/Berlin',
      kind: 'compute',
      priority: 3,
      timeoutMs: 60_000,
      attempts: 5,
      affinity: 'AAPL',
    },
    { function: 'echo', input: 'hi' },
  ],
  ['DropRecurring', { type: 'DropRecurring', requestId: 12, name: 'nightly' }],
  ['QueryRecurring', { type: 'QueryRecurring', requestId: 13 }],
  [
    'RecurringReport',
    {
      type: 'RecurringReport',
      requestId: 13,
      recurring: [
        {
          name: 'nightly',
          cron: '0 3 * * *',
          timeZone: 'Europe/Berlin',
          kind: 'compute',
          createdAt: 1_700_000_000_000,
          nextAt: 1_700_013_600_000,
          lastAt: null,
          lastTaskId: null,
        },
      ],
    },
  ],
  ['DrainCoordinator', { type: 'DrainCoordinator', requestId: 10, timeoutMs: 30_000 }],
  ['TasksReport', { type: 'TasksReport', requestId: 6, tasks: [task], more: false }],
  ['QueryStatus', { type: 'QueryStatus', requestId: 4 }],
  ['QueryAgents', { type: 'QueryAgents', requestId: 5 }],
  ['WatchEvents', { type: 'WatchEvents', requestId: 6, credit: 16 }],
  [
    'WatchEvents, with the recent ones of one kind',
    { type: 'WatchEvents', requestId: 6, credit: 1, recent: 512, kind: 'compute' },
  ],
  ['SetLogLevel', { type: 'SetLogLevel', requestId: 12, level: 'debug', agentId: 'agent-1' }],
  ['TaskUpdate, completed', { type: 'TaskUpdate', requestId: 3, task }, { matches: [] }],
  [
    'TaskUpdate, dead',
    {
      type: 'TaskUpdate',
      requestId: 3,
      task: {
        ...task,
        state: 'dead',
        agentId: null,
        queuedMs: null,
        runMs: null,
        progress: null,
        error: { name: 'TASK_TIMEOUT', message: 'no answer within 30 s', retryable: true },
      },
    },
  ],
  [
    'StatusReport',
    {
      type: 'StatusReport',
      requestId: 4,
      coordinatorId: 'coordinator-1',
      version: '0.1.0',
      startedAt: 1_700_000_000_000,
      draining: false,
      agents: { pattern: 1, worker: 4 },
      tasks: { completed: 500, running: 2 },
      queued: { compute: 17 },
      clients: 1,
      memoryBytes: 134_217_728,
      dropped: {},
      protocolErrors: 0,
    },
  ],
  [
    'AgentsReport',
    {
      type: 'AgentsReport',
      requestId: 5,
      agents: [
        {
          agentId: 'agent-1',
          agentType: 'pattern',
          state: 'connected',
          kinds: ['pattern-match'],
          concurrency: 4,
          activeTasks: 1,
          load: 0.5,
          memoryBytes: 90_000_000,
          rttMs: 0.16,
          connectedAt: 1_700_000_000_000,
          lastHeardAt: 1_700_000_005_000,
          completed: 41,
          failed: 1,
          address: '127.0.0.1:49152',
        },
      ],
    },
  ],
  [
    'EventNotice',
    {
      type: 'EventNotice',
      requestId: 6,
      events: [
        {
          event: 'task-leased',
          at: 1_700_000_001_000,
          taskId: '01890a5d-ac96-774b-bcce-b302099a8057',
          kind: 'compute',
          priority: 5,
          attempt: 1,
          agentId: 'agent-1',
        },
        { event: 'agent-suspect', at: 1_700_000_020_000, agentId: 'agent-2', agentType: 'pattern' },
      ],
      dropped: 0,
    },
  ],
];

export function messageVectors(): MessageVector[] {
  return samples.map(([name, message, value]) => {
    const payload = value === undefined ? null : encodeValue(value);
    return {
      name,
      hex: toHex(encodeFrame(message, payload)),
      message,
      payloadHex: payload === null ? null : toHex(payload),
    };
  });
}

/** Values as vectors show them: `tagged` is what stands in the file. */
const values: readonly (readonly [name: string, value: unknown, tagged?: unknown])[] = [
  ['nil', null],
  ['false', false],
  ['true', true],
  ...[0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295].map((n) => [`integer ${n}`, n] as const),
  ...[-1, -32, -33, -128, -129, -32_768, -32_769, -2_147_483_648].map((n) => [`integer ${n}`, n] as const),
  ['integer 2^32, as float 64', 4_294_967_296],
  ['integer 2^53-1, as float 64', Number.MAX_SAFE_INTEGER],
  ['float 64', 0.1],
  ['empty text', ''],
  ['text of 31 bytes', 'x'.repeat(31)],
  ['text of 32 bytes', 'x'.repeat(32)],
  ['text of 256 bytes', 'x'.repeat(256)],
  ['text beyond ASCII', 'Zürich ∑ 🦉'],
  ['empty list', []],
  ['list of 15', Array.from({ length: 15 }, (_, i) => i)],
  ['list of 16', Array.from({ length: 16 }, (_, i) => i)],
  ['list of numbers stays a list', [1.5, 2.5]],
  ['empty map', {}],
  ['map', { b: 1, a: [null, { deep: true }] }],
  ['map of 16', Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i]))],
  ['byte string', Uint8Array.of(0, 255, 16), { $bytes: '00ff10' }],
  ['float64 empty', new Float64Array(0), { $float64: [] }],
  ['float64 of 1', new Float64Array([1.5]), { $float64: [1.5] }],
  ['float64 of 2', new Float64Array([-1, 1e300]), { $float64: [-1, 1e300] }],
  [
    'float64 with a missing value',
    new Float64Array([1, Number.NaN, -Infinity]),
    { $float64: [1, 'NaN', '-Infinity'] },
  ],
  ['float32 of 1', new Float32Array([0.5]), { $float32: [0.5] }],
  ['float32 of 3', new Float32Array([0.5, -2, 65_504]), { $float32: [0.5, -2, 65_504] }],
  [
    'int32',
    new Int32Array([-2_147_483_648, 0, 2_147_483_647]),
    { $int32: [-2_147_483_648, 0, 2_147_483_647] },
  ],
  ['uint32', new Uint32Array([0, 4_294_967_295]), { $uint32: [0, 4_294_967_295] }],
  ['int16', new Int16Array([-32_768]), { $int16: [-32_768] }],
  ['uint16', new Uint16Array([1, 65_535, 258]), { $uint16: [1, 65_535, 258] }],
  ['int8', new Int8Array([-128]), { $int8: [-128] }],
  ['int8 of 256, with ext 16', new Int8Array(256), { $int8: Array.from({ length: 256 }, () => 0) }],
];

/** Forms that other encoders write. */
const otherForms: readonly ValueVector[] = [
  { name: 'uint 64', hex: 'cf0000010000000000', value: 1_099_511_627_776, decodeOnly: true },
  {
    name: 'uint 64, the largest',
    hex: 'cf001fffffffffffff',
    value: Number.MAX_SAFE_INTEGER,
    decodeOnly: true,
  },
  {
    name: 'int 64, the smallest',
    hex: 'd3ffe0000000000001',
    value: Number.MIN_SAFE_INTEGER,
    decodeOnly: true,
  },
  { name: 'int 64 of a small number', hex: 'd3ffffffffffffffff', value: -1, decodeOnly: true },
  { name: 'uint 16 of a small number', hex: 'cd0005', value: 5, decodeOnly: true },
  { name: 'float 32', hex: 'ca3f000000', value: 0.5, decodeOnly: true },
  { name: 'str 8 of a short text', hex: 'd9026869', value: 'hi', decodeOnly: true },
  { name: 'str 32', hex: 'db000000026869', value: 'hi', decodeOnly: true },
  { name: 'array 16', hex: 'dc00020102', value: [1, 2], decodeOnly: true },
  { name: 'array 32', hex: 'dd00000001c0', value: [null], decodeOnly: true },
  { name: 'map 16', hex: 'de0001a16101', value: { a: 1 }, decodeOnly: true },
  { name: 'map 32 with str 8 key', hex: 'df00000001d90161c3', value: { a: true }, decodeOnly: true },
  { name: 'bin 32', hex: 'c600000001ff', value: { $bytes: 'ff' }, decodeOnly: true },
  { name: 'ext 32 float64', hex: 'c90000000801000000000000f03f', value: { $float64: [1] }, decodeOnly: true },
];

export function valueVectors(): ValueVector[] {
  const written = values.map(([name, value, tagged]) => ({
    name,
    hex: toHex(encodeValue(value)),
    value: tagged === undefined ? value : tagged,
  }));
  return [...written, ...otherForms];
}

/** A body from its parts, each as hex: the type is text of at most 31 bytes. */
const bodyOf = (type: string, fields: string, payload?: string): string =>
  [payload === undefined ? '92' : '93', textHex(type), fields, payload ?? ''].join('');
const textHex = (text: string): string =>
  `${(0xa0 + text.length).toString(16)}${Buffer.from(text).toString('hex')}`;
/** A map of at most 15 entries, from names and hex. */
const mapOf = (entries: Readonly<Record<string, string>>): string => {
  const parts = Object.entries(entries).map(([name, value]) => textHex(name) + value);
  return `${(0x80 + parts.length).toString(16)}${parts.join('')}`;
};
const query = { requestId: '01', taskId: textHex('t') };
const submit = { requestId: '01', kind: textHex('compute'), watch: 'c2' };

export function badVectors(): BadVector[] {
  const body = (name: string, hex: string, error: string, field?: string): BadVector =>
    field === undefined ? { name, what: 'body', hex, error } : { name, what: 'body', hex, error, field };
  const value = (name: string, hex: string): BadVector => ({
    name,
    what: 'value',
    hex,
    error: 'BAD_MESSAGEPACK',
  });
  return [
    { name: 'length 0', what: 'stream', hex: '00000000', error: 'PROTOCOL_ERROR' },
    { name: 'length over the limit', what: 'stream', hex: 'ffffffff00', error: 'FRAME_TOO_LARGE' },
    {
      name: 'text where a frame should be',
      what: 'stream',
      hex: '474554202f20485454502f312e31',
      error: 'FRAME_TOO_LARGE',
    },

    body('not an array', 'c0', 'BAD_MESSAGEPACK'),
    body('an array of 1', '91a0', 'BAD_MESSAGEPACK'),
    body('an array of 4', '94a080c400c0', 'BAD_MESSAGEPACK'),
    body('an array that ends early', '92', 'BAD_MESSAGEPACK'),
    body('the type is a number', '920180', 'BAD_MESSAGEPACK'),
    body('the fields are a list', bodyOf('QueryStatus', '9101'), 'BAD_MESSAGEPACK'),
    body(
      'the fields are an array of numbers',
      bodyOf('QueryStatus', 'd70100000000000000'),
      'BAD_MESSAGEPACK',
    ),
    body(
      'bytes after the fields',
      `${bodyOf('QueryStatus', mapOf({ requestId: '01' }))}c0`,
      'BAD_MESSAGEPACK',
    ),
    body('the payload is text', bodyOf('SubmitTask', mapOf(submit), textHex('input')), 'BAD_MESSAGEPACK'),
    body('the payload ends early', bodyOf('SubmitTask', mapOf(submit), 'c402c0'), 'BAD_MESSAGEPACK'),
    body('bytes after the payload', bodyOf('SubmitTask', mapOf(submit), 'c401c0c0'), 'BAD_MESSAGEPACK'),
    body('an unknown type', bodyOf('Nonsense', '80'), 'UNKNOWN_MESSAGE_TYPE'),
    body('an empty type', bodyOf('', '80'), 'UNKNOWN_MESSAGE_TYPE'),
    body('a type that objects inherit', bodyOf('constructor', '80'), 'UNKNOWN_MESSAGE_TYPE'),
    body(
      'a type in other letters',
      bodyOf('querystatus', mapOf({ requestId: '01' })),
      'UNKNOWN_MESSAGE_TYPE',
    ),
    body('no requestId', bodyOf('QueryStatus', '80'), 'BAD_FIELD', '/requestId'),
    body(
      'a negative requestId',
      bodyOf('QueryStatus', mapOf({ requestId: 'ff' })),
      'BAD_FIELD',
      '/requestId',
    ),
    body(
      'a fraction as requestId',
      bodyOf('QueryStatus', mapOf({ requestId: 'ca3f000000' })),
      'BAD_FIELD',
      '/requestId',
    ),
    body(
      'text as requestId',
      bodyOf('QueryStatus', mapOf({ requestId: textHex('1') })),
      'BAD_FIELD',
      '/requestId',
    ),
    body(
      'a requestId of 2^32',
      bodyOf('QueryStatus', mapOf({ requestId: 'cf0000000100000000' })),
      'BAD_FIELD',
      '/requestId',
    ),
    body('an empty taskId', bodyOf('QueryTask', mapOf({ ...query, taskId: 'a0' })), 'BAD_FIELD', '/taskId'),
    body(
      'an optional field that is nil',
      bodyOf('SubmitTask', mapOf({ ...submit, priority: 'c0' }), 'c401c0'),
      'BAD_FIELD',
      '/priority',
    ),
    body(
      'a priority of 11',
      bodyOf('SubmitTask', mapOf({ ...submit, priority: '0b' }), 'c401c0'),
      'BAD_FIELD',
      '/priority',
    ),
    body(
      'a kind in capitals',
      bodyOf('SubmitTask', mapOf({ ...submit, kind: textHex('Compute') }), 'c401c0'),
      'BAD_FIELD',
      '/kind',
    ),
    body(
      'a timeout that is not a number',
      bodyOf('SubmitTask', mapOf({ ...submit, timeoutMs: 'cb7ff8000000000000' }), 'c401c0'),
      'BAD_FIELD',
      '/timeoutMs',
    ),
    body(
      'an unknown purpose',
      bodyOf('StreamOpen', mapOf({ purpose: textHex('video') })),
      'BAD_FIELD',
      '/purpose',
    ),
    body('no payload where one is needed', bodyOf('SubmitTask', mapOf(submit)), 'MISSING_PAYLOAD'),
    body('a payload where none belongs', bodyOf('QueryTask', mapOf(query), 'c401c0'), 'UNEXPECTED_PAYLOAD'),
    body(
      'a completed task without result',
      bodyOf(
        'TaskCompletion',
        mapOf({
          taskId: textHex('t'),
          attempt: '01',
          epoch: '01',
          outcome: textHex('completed'),
          runMs: '01',
        }),
      ),
      'MISSING_PAYLOAD',
    ),
    body(
      'a failed task with result',
      bodyOf(
        'TaskCompletion',
        mapOf({ taskId: textHex('t'), attempt: '01', epoch: '01', outcome: textHex('failed'), runMs: '01' }),
        'c401c0',
      ),
      'UNEXPECTED_PAYLOAD',
    ),

    value('nothing', ''),
    value('two values', 'c0c0'),
    value('the byte 0xc1', 'c1'),
    value('text that ends early', 'a568656c6c'),
    value('text of 4 GiB', 'dbffffffff'),
    value('a list of 2^32-1 in 5 bytes', 'ddffffffff'),
    value('a map of 2^32-1 in 5 bytes', 'dfffffffff'),
    value('a list that ends early', '93c0c0'),
    value('a number that ends early', 'cb3ff00000'),
    value('33 lists inside each other', `${'91'.repeat(33)}c0`),
    value('a key that is a number', '8101c0'),
    value('a key that is a list', '8190c0'),
    value('the key __proto__', `81${textHex('__proto__')}80`),
    value('the key __proto__ as str 8', `81d909${Buffer.from('__proto__').toString('hex')}80`),
    value('uint 64 of 2^53', 'cf0020000000000000'),
    value('int 64 of -2^53', 'd3ffe0000000000000'),
    value('float64 of 7 bytes', 'c7070100000000000000'),
    value('float64 of 4 bytes', 'd60100000000'),
    value('an extension that ends early', 'c7100100'),
    value('extension type 0, undefined elsewhere', 'd40000'),
    value('extension type 8', 'd40800'),
    value('extension type -1, a timestamp', 'd6ff00000000'),
    value('extension type 0x72, records elsewhere', 'd4724091a16101'),
    value('extension type 0x70, references elsewhere', 'd67000000001'),
    value('extension type 0x73, sets elsewhere', 'd473009101'),
  ];
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Types that no vector shows. */
export function typesWithoutVector(types: readonly MessageType[]): MessageType[] {
  return types.filter((type) => !samples.some(([, message]) => message.type === type));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(VECTORS_FOLDER, { recursive: true });
  const write = (file: string, vectors: readonly object[]) => {
    const lines = vectors.map((vector) => JSON.stringify(vector));
    writeFileSync(join(VECTORS_FOLDER, file), `[\n${lines.join(',\n')}\n]\n`);
  };
  write('messages.json', messageVectors());
  write('values.json', valueVectors());
  write('bad.json', badVectors());
}
