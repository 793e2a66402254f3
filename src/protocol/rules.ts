import type { Message, MessageType } from './messages.js';

/** Who may send a message, where, with which payload, what it is for and what comes back. */
export interface MessageRule {
  readonly from: readonly Role[];
  /** Streams it may travel on; see StreamUse. */
  readonly on: readonly StreamUse[];
  readonly payload: PayloadRule;
  readonly purpose: string;
  readonly answer: string;
}

export type Role = 'agent' | 'client' | 'coordinator';

/**
 * `control`: the first stream that the agent or client opens; `lane`: a task lane of an agent; `own`: a stream
 * for one large message.
 */
export type StreamUse = 'control' | 'lane' | 'own';

/** `state`: it depends on a field, see payloadNeed; the string says what the bytes are. */
export type PayloadRule =
  { readonly need: 'none' } | { readonly need: 'required' | 'state'; readonly what: string };

const NONE: PayloadRule = { need: 'none' };
const LEASE_ENDED =
  'MessageAck (processed); or ErrorReport STALE_LEASE, TASK_FINISHED or UNKNOWN_TASK: drop the result';
const RESULT: PayloadRule = { need: 'required', what: 'the result, a value' };

export const messageRules: { readonly [T in MessageType]: MessageRule } = {
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
  DrainNotice: {
    from: ['agent', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The sender takes no new work and will close when the running work is done.',
    answer: '-',
  },
  CancelTask: {
    from: ['client', 'coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The work on a task is no longer wanted.',
    answer:
      'to a client with requestId: MessageAck (processed) or ErrorReport; from an agent: TaskCompletion (cancelled)',
  },
  AgentTask: {
    from: ['coordinator'],
    on: ['lane', 'own'],
    payload: { need: 'required', what: 'the input, a value' },
    purpose: 'A lease: the agent is to do this attempt.',
    answer: 'TaskCompletion, PatternMatchResult or StrategyCorrelation',
  },
  AdaptationCommand: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'Suggests other parameters for a kind of task.',
    answer: '-',
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
    purpose: 'Gradients of one batch of a running `neural-training`; does not end the lease.',
    answer: LEASE_ENDED,
  },
  ReasoningExperience: {
    from: ['agent'],
    on: ['control', 'lane'],
    payload: NONE,
    purpose: 'Something to learn from that is not the result of a task.',
    answer: 'MessageAck (processed) with its experienceId in taskIds',
  },
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
  WatchTask: {
    from: ['client'],
    on: ['control'],
    payload: NONE,
    purpose: 'Asks for the state of a task, now and at its end.',
    answer: 'TaskUpdate now, and one at its end when that is later; or ErrorReport UNKNOWN_TASK',
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
  AgentsReport: {
    from: ['coordinator'],
    on: ['control'],
    payload: NONE,
    purpose: 'The agents it knows.',
    answer: '-',
  },
};

/** Whether this message must, may or must not have a payload. */
export function payloadNeed(message: Message): 'none' | 'required' | 'optional' {
  switch (message.type) {
    case 'TaskCompletion':
      return message.outcome === 'completed' ? 'required' : 'none';
    case 'TaskUpdate':
      return message.task.state === 'completed' ? 'optional' : 'none';
    default:
      return messageRules[message.type].payload.need === 'required' ? 'required' : 'none';
  }
}
