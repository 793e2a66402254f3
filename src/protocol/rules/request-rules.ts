import { NONE, type MessageRule } from './rule.js';
import type { requestMessages } from '../messages/request-messages.js';

export const requestRules: Readonly<Record<keyof typeof requestMessages, MessageRule>> = {
  SubmitTask: {
    from: ['client'],
    on: ['control', 'own'],
    payload: { need: 'required', what: 'the input, a value' },
    purpose: 'Asks for a task to be done.',
    answer: 'MessageAck (received) with its taskId, or ErrorReport; with watch, TaskUpdate at its end',
  },
  QueryTask: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks for the state of a task, now.',
    answer: 'TaskUpdate, or ErrorReport UNKNOWN_TASK',
  },
  QueryTasks: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks for tasks by state and kind, finished ones among them as long as they are kept.',
    answer: 'TasksReport',
  },
  RetryTask: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Queues a task that failed, is dead or was cancelled once more, with all its attempts.',
    answer: 'MessageAck (received), or ErrorReport UNKNOWN_TASK or TASK_NOT_RETRYABLE',
  },
  WatchTask: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks for the state of a task, now and at its end.',
    answer: 'TaskUpdate now, and one at its end when that is later; or ErrorReport UNKNOWN_TASK',
  },
  PauseKind: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Gives no more tasks of a kind to agents, also after a restart; what runs, ends.',
    answer: 'MessageAck (processed), or ErrorReport UNKNOWN_KIND',
  },
  ResumeKind: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Gives tasks of a paused kind out again.',
    answer: 'MessageAck (processed), or ErrorReport UNKNOWN_KIND',
  },
  DrainCoordinator: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Stops the coordinator in an orderly way: no new tasks, running ones may end, then it is gone.',
    answer: 'MessageAck (processed), and at its end the connection is closed with GOING_AWAY',
  },
  QueryStatus: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks how the coordinator is.',
    answer: 'StatusReport',
  },
  QueryAgents: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks which agents there are.',
    answer: 'AgentsReport',
  },
  WatchEvents: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose:
      'Asks to be told what happens to tasks and agents from now on; sent again, it gives new credit in place of the old.',
    answer: 'EventNotice, again and again; or ErrorReport TOO_MANY_REQUESTS',
  },
  ReportOutcome: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'What came of the result of a task, once that is known: one of actual and value.',
    answer: 'MessageAck (processed), or ErrorReport UNKNOWN_TASK, NO_FORECAST, OUTCOME_KNOWN or BAD_FIELD',
  },
  QueryReasoning: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks what was learned.',
    answer: 'ReasoningReport',
  },
};
