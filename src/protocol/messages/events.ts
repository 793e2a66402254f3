import { AGENT_TYPES, count, kind, ms, name, note, taskId } from '../fields.js';
import { integer, object, oneOf, optional } from '../schema.js';

/** What can happen in a swarm. `task-STATE`: the task is in that state now. */
export const SWARM_EVENTS = [
  'task-submitted',
  'task-queued',
  'task-delayed',
  'task-blocked',
  'task-leased',
  'task-running',
  'task-retrying',
  'task-completed',
  'task-failed',
  'task-dead',
  'task-cancelled',
  'task-retried',
  'task-withdrawn',
  'agent-joined',
  'agent-resumed',
  'agent-suspect',
  'agent-heard',
  'agent-draining',
  'agent-disconnected',
  'agent-gone',
  'coordinator-draining',
] as const;

export const swarmEvent = object({
  event: oneOf(
    SWARM_EVENTS,
    'what happened; task-retried: a client had it queued once more, task-withdrawn: its submit could not be stored',
  ),
  at: ms('when'),
  taskId: optional(taskId),
  kind: optional(kind),
  priority: optional(integer({ minimum: 0, maximum: 10, description: 'of the task' })),
  attempt: optional(count('attempts of the task so far')),
  agentId: optional(name('the agent, or the one of the latest attempt')),
  agentType: optional(oneOf(AGENT_TYPES, 'type of the agent')),
  detail: optional(note(512, 'why: name of the error and its message, or a reason')),
});
