import { NONE, type MessageRule, type PayloadRule } from './rule.js';
import type { workMessages } from '../messages/work-messages.js';

const LEASE_ENDED =
  'MessageAck (processed); or ErrorReport STALE_LEASE, TASK_FINISHED or UNKNOWN_TASK: drop the result';
const RESULT: PayloadRule = { need: 'required', what: 'the result, a value' };

export const workRules: Readonly<Record<keyof typeof workMessages, MessageRule>> = {
  AgentTask: {
    from: ['coordinator'],
    on: ['lane', 'own'],
    payload: { need: 'required', what: 'the input, a value' },
    purpose: 'A lease: the agent is to do this attempt.',
    answer: 'TaskCompletion, PatternMatchResult, StrategyCorrelation or NeuralGradients',
  },
  CancelTask: {
    from: ['client', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The work on a task is no longer wanted.',
    answer:
      'to a client with requestId: MessageAck (processed) or ErrorReport; from an agent: TaskCompletion (cancelled)',
  },
  TaskProgress: {
    from: ['agent'],
    on: ['control', 'lane'],
    payload: NONE,
    purpose: 'How far a running attempt is.',
    answer: '-',
  },
  TaskCompletion: {
    from: ['agent'],
    on: ['lane', 'own'],
    payload: { need: 'state', what: 'the result, a value, when outcome is completed; else none' },
    purpose: 'Ends a lease.',
    answer: LEASE_ENDED,
  },
  PatternMatchResult: {
    from: ['agent'],
    on: ['lane', 'own'],
    payload: RESULT,
    purpose:
      'Ends the lease of a completed `pattern-match`; what the coordinator learns from stands in the fields.',
    answer: LEASE_ENDED,
  },
  StrategyCorrelation: {
    from: ['agent'],
    on: ['lane', 'own'],
    payload: RESULT,
    purpose: 'Ends the lease of a completed `strategy-correlation`.',
    answer: LEASE_ENDED,
  },
  NeuralGradients: {
    from: ['agent'],
    on: ['lane', 'own'],
    payload: { need: 'required', what: 'all gradients end to end, in the stated encoding' },
    purpose:
      'Ends the lease of one piece of a `neural-training`: what AgentTask gave was weights and samples, not the training itself.',
    answer: `${LEASE_ENDED}; or GRADIENT_REFUSED`,
  },
};
