import { NONE, type MessageRule } from './rule.js';
import type { reportMessages } from '../messages/report-messages.js';

export const reportRules: Readonly<Record<keyof typeof reportMessages, MessageRule>> = {
  TaskUpdate: {
    from: ['coordinator'],
    on: ['control'],
    payload: {
      need: 'state',
      what: 'the result, a value, when the state is completed and it is kept; else none',
    },
    purpose: 'The state of a task.',
    answer: '-',
  },
  TasksReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The tasks that were asked for.',
    answer: '-',
  },
  StatusReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'How the coordinator is.',
    answer: '-',
  },
  RecurringReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The recurring tasks.',
    answer: '-',
  },
  AgentsReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The agents it knows.',
    answer: '-',
  },
  EventNotice: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose:
      'What happened to tasks and agents, as it was decided; a task of which it tells may not be stored yet.',
    answer: '-',
  },
  ReasoningReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: {
      need: 'required',
      what: 'a value with performance, verdicts, adaptations, underWay, memories and counters: docs/reasoning.md',
    },
    purpose: 'What was learned.',
    answer: '-',
  },
  PatternsReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'Patterns that were looked for before, what was forecast and what came.',
    answer: '-',
  },
};
