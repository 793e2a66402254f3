import {
  AGENT_TYPES,
  count,
  errorDetail,
  fraction,
  kind,
  ms,
  name,
  note,
  runMs,
  taskId,
  text,
  traceparent,
  scheduleName,
} from '../fields.js';
import { MAX_NEEDS } from '../limits.js';
import { TASK_STATES } from '../task-states.js';
import { boolean, integer, list, nullable, object, oneOf, optional } from '../schema.js';

/** Tasks and agents as clients see them. */

/** Why a task waits. */
export const WAIT_REASONS = [
  'draining',
  'store-down',
  'paused',
  'needs',
  'delayed',
  'backoff',
  'no-agent',
  'kind-concurrency',
  'rate-limited',
  'no-credit',
  'next',
] as const;

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
  notBefore: optional(ms('delayed, blocked or retrying: not before then')),
  finishedAt: optional(ms('when it ended')),
  needs: optional(
    list(taskId, { maxItems: MAX_NEEDS, description: 'tasks that must have completed before' }),
  ),
  traceparent: optional(traceparent('what it was submitted with')),
  waitsFor: optional(
    object(
      {
        reason: oneOf(WAIT_REASONS, 'for programs'),
        detail: note(1024, 'one sentence for people'),
      },
      { description: 'to QueryTask and QueryTasks: why an unfinished task that no agent has does not start' },
    ),
  ),
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
export const historyEntry = object({
  event: oneOf(TASK_HISTORY_EVENTS, 'what happened'),
  at: ms('when'),
  attempt: optional(count('lease: which attempt')),
  agentId: optional(name('lease: which agent')),
  detail: optional(note(4608, 'fail, timeout, lost: name of the error and its message')),
});

/** A recurring task as clients see it. */
export const RecurringSummary = object({
  name: scheduleName,
  cron: text(128, 'when'),
  timeZone: text(64, 'in which the expression is meant'),
  kind,
  createdAt: ms('when it was added'),
  nextAt: nullable(ms('its next occurrence; null when there is none any more, or it is not known yet')),
  lastAt: nullable(ms('the last occurrence that was submitted')),
  lastTaskId: nullable(taskId),
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
