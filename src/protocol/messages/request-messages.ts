import { kind, LOG_LEVELS, ms, name, requestId, taskId, text, traceparent, scheduleName } from '../fields.js';
import { MAX_NEEDS, MAX_PATTERN_POINTS, MAX_SIMILAR } from '../limits.js';
import { boolean, integer, list, number, object, oneOf, optional } from '../schema.js';
import { TASK_STATES } from '../task-states.js';

/** The squares of greater ones could overflow; as in the input of pattern-match. */
const MAX_POINT = 1e150;

/** What clients ask. */
export const requestMessages = {
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
    needs: optional(
      list(taskId, {
        minItems: 1,
        maxItems: MAX_NEEDS,
        description:
          'tasks that must have completed before: until then it is blocked. A map {"$result": taskId} anywhere in the input, with "at": JSON pointer for a part, is replaced by the result of that task',
      }),
    ),
    onFailedNeed: optional(
      oneOf(
        ['fail', 'skip'],
        'when a needed task ends without a result: fail (default) ends this one as failed, NEED_FAILED; skip as cancelled',
      ),
    ),
    traceparent: optional(traceparent('the trace it belongs to, and the span it was submitted in')),
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
  PauseKind: object({ requestId, kind }),
  ResumeKind: object({ requestId, kind }),
  AddRecurring: object({
    requestId,
    name: scheduleName,
    cron: text(128, 'when: minute, hour, day, month, weekday; with six parts the first is the second'),
    timeZone: text(64, 'in which the expression is meant, such as Europe/Berlin'),
    kind,
    priority: optional(integer({ minimum: 0, maximum: 10, description: 'of each task; default 5' })),
    timeoutMs: optional(
      number({ minimum: 1, maximum: 2 ** 40, description: 'for each attempt, as in SubmitTask' }),
    ),
    attempts: optional(integer({ minimum: 1, maximum: 1000, description: 'of each task; default 3' })),
    affinity: optional(text(256, 'of each task')),
  }),
  DropRecurring: object({ requestId, name: scheduleName }),
  QueryRecurring: object({ requestId }),
  DrainCoordinator: object({
    requestId,
    timeoutMs: optional(ms('how long running tasks may take; default --drain-timeout')),
  }),
  QueryStatus: object({ requestId }),
  QueryAgents: object({ requestId }),
  WatchEvents: object({
    requestId,
    credit: integer({
      minimum: 0,
      maximum: 1024,
      description: 'EventNotices that may come until the next WatchEvents with this requestId; 0 ends it',
    }),
    recent: optional(
      integer({
        minimum: 0,
        maximum: 512,
        description:
          'the first time: begin with a notice of at most so many events that were before, be it empty',
      }),
    ),
    kind: optional({ ...kind, description: 'the first time: only events of tasks of this kind' }),
    taskId: optional({ ...taskId, description: 'the first time: only events of this task' }),
    agentId: optional(name('the first time: only events of this agent and its tasks')),
  }),
  SetLogLevel: object({
    requestId,
    level: oneOf(LOG_LEVELS, 'least severe level that is logged from now on'),
    agentId: optional(name('agent whose process is meant; default: the coordinator itself')),
  }),
  ReportOutcome: object({
    requestId,
    taskId,
    actual: optional(number({ description: 'what came of what the task forecast' })),
    value: optional(
      number({ description: 'or: what its result was worth on the scale of its kind, -1 to 1 as a rule' }),
    ),
    success: optional(
      boolean({ description: "with value: it counts as a success; default: value over the kind's limit" }),
    ),
  }),
  QueryReasoning: object({ requestId, agentId: optional(name('only what concerns this agent')) }),
  QueryPatterns: object({
    requestId,
    series: optional(
      list(number({ minimum: -MAX_POINT, maximum: MAX_POINT }), {
        minItems: 2,
        maxItems: MAX_PATTERN_POINTS,
        description: 'find patterns of its shape, whatever their level, scale and length',
      }),
    ),
    taskId: optional(text(64, 'instead of series: a task whose pattern is kept; find others like it')),
    limit: optional(
      integer({ minimum: 0, maximum: MAX_SIMILAR, description: 'patterns at most; default 10' }),
    ),
  }),
} as const;
