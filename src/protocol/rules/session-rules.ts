import { NONE, type MessageRule } from './rule.js';
import type { sessionMessages } from '../messages/session-messages.js';

export const sessionRules: Readonly<Record<keyof typeof sessionMessages, MessageRule>> = {
  AgentHandshake: {
    from: ['agent'],
    on: ['control'],
    payload: NONE,
    purpose: 'First message of an agent.',
    answer: 'AgentAck, or ErrorReport and the connection is closed',
  },
  AgentAck: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The agent is registered; says how to go on.',
    answer: 'the agent opens its lanes, each with StreamOpen',
  },
  ClientHandshake: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'First message of a client.',
    answer: 'ClientAck, or ErrorReport and the connection is closed',
  },
  ClientAck: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The client may send requests.',
    answer: '-',
  },
  StreamOpen: {
    from: ['agent', 'client'],
    on: ['lane', 'own'],
    payload: NONE,
    purpose: 'First message on every further stream that an agent or client opens.',
    answer: '-',
  },
  HeartbeatMessage: {
    from: ['agent', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The sender lives, and how busy it is.',
    answer: '- (each side sends its own)',
  },
  MessageAck: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'Requests or results are stored: the sender may forget them.',
    answer: '-',
  },
  ErrorReport: {
    from: ['agent', 'client', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'A message was refused, or the connection is about to be closed.',
    answer: 'never another ErrorReport',
  },
  LogLevelCommand: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'An operator wants to read more, or less, of what the process of the agent does.',
    answer: '-',
  },
  DrainNotice: {
    from: ['agent', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The sender takes no new work and will close when the running work is done.',
    answer: '-',
  },
};
