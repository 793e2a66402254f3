import {
  AGENT_TYPES,
  count,
  fraction,
  joinToken,
  kind,
  lease,
  LOG_LEVELS,
  ms,
  name,
  nonce,
  note,
  protocolVersion,
  protocolVersions,
  requestId,
  software,
  STREAM_PURPOSES,
  taskId,
  text,
} from '../fields.js';
import { MAX_CONCURRENCY } from '../limits.js';
import { boolean, integer, list, object, oneOf, optional } from '../schema.js';

/** Who a peer is, and that it lives. */
export const sessionMessages = {
  AgentHandshake: object({
    protocolVersions,
    agentId: name('unique name of the agent'),
    agentType: oneOf(AGENT_TYPES, 'what work it is for'),
    kinds: list(kind, { maxItems: 64, description: 'kinds of task it takes' }),
    concurrency: integer({
      minimum: 1,
      maximum: MAX_CONCURRENCY,
      description: 'tasks at once: the credit it gives',
    }),
    software,
    joinToken,
    sessionToken: optional(text(256, 'token of the last AgentAck: resumes that session')),
    nonce,
    leases: optional(
      list(object(lease), {
        maxItems: MAX_CONCURRENCY,
        description: 'leases the agent still works on or holds results for, when it resumes',
      }),
    ),
  }),
  AgentAck: object({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    sessionToken: text(256, 'proves the session when the agent comes back; keep it secret'),
    resumed: boolean({ description: 'the session of the presented token goes on' }),
    assignedStreams: list(
      object({
        purpose: oneOf(STREAM_PURPOSES, 'what the stream carries'),
        priority: integer({ minimum: 0, maximum: 7, description: 'urgency, 0 first (RFC 9218)' }),
      }),
      { minItems: 1, maxItems: 16, description: 'the streams to open and use, in order' },
    ),
    configuration: object(
      {
        heartbeatIntervalMs: ms('send a HeartbeatMessage this often'),
        sessionGraceMs: ms('how long leases outlive a lost connection'),
        maxMessageBytes: count('longest frame body accepted'),
        ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
      },
      { description: 'how the coordinator wants to be spoken to' },
    ),
    abortedTasks: list(object(lease), {
      maxItems: MAX_CONCURRENCY,
      description: 'leases the agent named that are no longer its own: abort them, drop their results',
    }),
  }),
  ClientHandshake: object({
    protocolVersions,
    clientId: name('name of the client, for logs'),
    software,
    joinToken,
    nonce,
  }),
  ClientAck: object({
    protocolVersion,
    coordinatorId: text(128, 'which coordinator this is'),
    configuration: object(
      {
        maxMessageBytes: count('longest frame body accepted'),
        ownStreamThresholdBytes: count('a payload above this gets a stream of its own'),
      },
      { description: 'how the coordinator wants to be spoken to' },
    ),
    kinds: list(kind, { maxItems: 1024, description: 'kinds of task accepted now' }),
    role: optional(oneOf(['client', 'operator', 'read-only'], 'what the client may do')),
  }),
  StreamOpen: object({ purpose: oneOf(STREAM_PURPOSES, 'as assigned in AgentAck') }),
  HeartbeatMessage: object({
    sequence: count('counts up from 1 in each direction of a connection'),
    sentAt: ms("sender's clock"),
    load: fraction('processor load of the sending process'),
    activeTasks: count('tasks running (agent) or leased (coordinator)'),
    queuedTasks: count('tasks received but not started (agent) or ready (coordinator)'),
    memoryBytes: count('resident memory of the sending process'),
    concurrency: optional(
      integer({ minimum: 0, maximum: MAX_CONCURRENCY, description: 'agent: new credit; 0 pauses dispatch' }),
    ),
  }),
  MessageAck: object({
    status: oneOf(
      ['received', 'processed'],
      'received: stored, work follows; processed: stored, nothing more follows',
    ),
    requestIds: list(requestId, {
      maxItems: 65535,
      description: 'requests acknowledged; [] when there are none',
    }),
    taskIds: list(taskId, {
      maxItems: 65535,
      description:
        'their tasks, in the order of requestIds; without requests: the tasks whose results were stored, and experienceIds that were',
    }),
  }),
  ErrorReport: object({
    code: integer({ minimum: 1, maximum: 65535, description: 'number of the error' }),
    name: text(64, 'its name'),
    message: note(4096, 'what, where, what to do'),
    messageType: optional(text(64, 'type of the message this answers')),
    field: optional(text(256, 'path of the field at fault, such as /priority')),
    requestId: optional(requestId),
    taskId: optional(taskId),
    retryAfterMs: optional(ms('when trying again may help')),
  }),
  LogLevelCommand: object({ level: oneOf(LOG_LEVELS, 'least severe level that is logged from now on') }),
  DrainNotice: object({
    reason: note(1024, 'why the sender takes no new work'),
    deadlineMs: ms('how long running work may go on'),
  }),
} as const;
