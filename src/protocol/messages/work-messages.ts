import {
  count,
  errorDetail,
  fraction,
  kind,
  lease,
  lesson,
  ms,
  note,
  requestId,
  runMs,
  taskId,
  text,
  traceparent,
} from '../fields.js';
import { integer, list, nullable, number, object, oneOf, optional } from '../schema.js';

/** Leases: what agents are given, how it goes and how it ends. */
export const workMessages = {
  AgentTask: object({
    ...lease,
    kind,
    priority: integer({ minimum: 0, maximum: 10, description: '10 first' }),
    timeoutMs: ms('how long the attempt may run'),
    memories: optional(
      list(object(lesson), {
        maxItems: 8,
        description: 'lessons from tasks like this one, the most fitting first',
      }),
    ),
    traceparent: optional(traceparent('the trace it belongs to, and the span of this attempt')),
  }),
  CancelTask: object({
    taskId,
    requestId: optional(requestId),
    epoch: optional(
      integer({ minimum: 1, maximum: 2 ** 48, description: 'coordinator to agent: which lease' }),
    ),
    reason: oneOf(['cancelled', 'timeout', 'superseded'], 'why the work is no longer wanted'),
  }),
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
    runMs,
    modelVersion: count('version of the weights they were computed at'),
    batchSize: integer({ minimum: 1, maximum: 2 ** 31, description: 'samples averaged over' }),
    loss: number({ description: 'mean loss of the batch' }),
    encoding: oneOf(['float32', 'float16', 'top-k'], 'form of the payload'),
  }),
} as const;
