import { count, kind, ms, requestId, text } from '../fields.js';
import { boolean, dictionary, list, object, optional } from '../schema.js';
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
} as const;
