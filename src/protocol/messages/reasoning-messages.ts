import { fraction, kind, ms, name, note, taskId, text } from '../fields.js';
import { dictionary, list, number, object, optional, scalar } from '../schema.js';

/** What is learned, and what comes of it. */
export const reasoningMessages = {
  AdaptationCommand: object({
    adaptationId: text(64, 'UUID version 7'),
    kind,
    suggestions: list(
      object({
        parameter: text(64, 'name of the parameter'),
        current: scalar({ description: 'its value now' }),
        suggested: scalar({ description: 'the value to use from the next task on' }),
        reason: note(1024, 'why, for people'),
      }),
      { maxItems: 64, description: 'one for each parameter to change' },
    ),
  }),
  ReasoningExperience: object({
    experienceId: text(64, 'UUID version 7, made by the agent: the same id is recorded once'),
    agentId: name('agent it belongs to'),
    taskId: optional(taskId),
    action: text(128, 'what was done'),
    context: dictionary(scalar({}), { maxProperties: 64, description: 'circumstances by name' }),
    outcome: object({
      value: number({ description: 'what came of it; the larger the better' }),
      confidence: fraction('how sure the agent is'),
      latencyMs: ms('how long it took'),
    }),
    recordedAt: ms("agent's clock"),
  }),
} as const;
