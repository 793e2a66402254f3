import { count, fraction, kind, ms, name, requestId, taskId, text } from '../fields.js';
import { MAX_SIMILAR } from '../limits.js';
import { boolean, dictionary, list, nullable, number, object, optional } from '../schema.js';
import { swarmEvent } from './events.js';
import { AgentSummary, historyEntry, RecurringSummary, TaskSummary } from './summaries.js';

/** What clients are told. */
export const reportMessages = {
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
    now: optional(ms("the coordinator's clock, by which the times in all reports are")),
    draining: boolean({ description: 'it takes no new tasks' }),
    agents: dictionary(count('agents'), { maxProperties: 64, description: 'agents by type' }),
    tasks: dictionary(count('tasks'), { maxProperties: 64, description: 'tasks by state' }),
    queued: dictionary(count('ready tasks'), { maxProperties: 1024, description: 'ready tasks by kind' }),
    paused: optional(
      list(kind, { maxItems: 1024, description: 'kinds of task that are not given out for now' }),
    ),
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
  RecurringReport: object({
    requestId,
    recurring: list(RecurringSummary, { maxItems: 10_000, description: 'by name' }),
  }),
  AgentsReport: object({
    requestId,
    agents: list(AgentSummary, { maxItems: 100_000, description: 'agents known now' }),
  }),
  EventNotice: object({
    requestId,
    events: list(swarmEvent, { maxItems: 1024, description: 'what happened, oldest first' }),
    dropped: count('events lost after these, because credit or memory was used up'),
  }),
  ReasoningReport: object({ requestId }),
  PatternsReport: object({
    requestId,
    store: text(64, 'which pattern store it is'),
    patterns: count('patterns kept'),
    withOutcome: count('of them, those whose outcome is known'),
    similar: list(
      object({
        taskId,
        agentId: name('agent that looked for it'),
        points: count('points of the pattern'),
        recordedAt: ms('when its result came'),
        similarity: number({
          minimum: -1,
          maximum: 1,
          description: 'correlation of the two shapes; 1 is the same shape',
        }),
        expected: nullable(number({ description: 'what was forecast; null when nothing was' })),
        confidence: nullable(fraction('of the forecast; null when the agent did not say')),
        actual: nullable(
          number({ description: 'what came of it, as reported; null when that is not known' }),
        ),
        value: nullable(number({ description: 'or what its result was worth, as reported; null likewise' })),
      }),
      {
        maxItems: MAX_SIMILAR,
        description: 'the most similar first; empty when nothing was given to compare',
      },
    ),
  }),
} as const;
