import { NONE, type MessageRule } from './rule.js';
import type { reasoningMessages } from '../messages/reasoning-messages.js';

export const reasoningRules: Readonly<Record<keyof typeof reasoningMessages, MessageRule>> = {
  AdaptationCommand: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'Suggests other parameters for a kind of task.',
    answer: '-',
  },
  ReasoningExperience: {
    from: ['agent'],
    on: ['control', 'lane'],
    payload: NONE,
    purpose: 'Something to learn from that is not the result of a task.',
    answer: 'MessageAck (processed) with its experienceId in taskIds',
  },
};
