import { NONE, type MessageRule } from './rule.js';
import type { reasoningMessages } from '../messages/reasoning-messages.js';

export const reasoningRules: Readonly<Record<keyof typeof reasoningMessages, MessageRule>> = {
  AdaptationCommand: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'Other defaults for parameters of a kind of task, for inputs that leave them out.',
    answer: 'AdaptationAck; asked again after 10 s, three times in all',
  },
  AdaptationAck: {
    from: ['agent'],
    on: ['control'],
    payload: NONE,
    purpose: 'The agent works with the values of a command from now on, or says why not.',
    answer: '-',
  },
  ReasoningExperience: {
    from: ['agent', 'coordinator'],
    on: ['control', 'lane'],
    payload: NONE,
    purpose:
      'Something to learn from that is not the result of a task. To an agent of type `reasoning`, with `judging`: an experience of any agent, to be judged.',
    answer:
      'to an agent: MessageAck (processed) with its experienceId in taskIds; from a reasoning agent: ReasoningVerdict',
  },
  ReasoningVerdict: {
    from: ['agent'],
    on: ['control'],
    payload: NONE,
    purpose: 'What an agent of type `reasoning` makes of an experience it was sent.',
    answer: '-; ErrorReport UNEXPECTED_MESSAGE to an agent of another type',
  },
};
