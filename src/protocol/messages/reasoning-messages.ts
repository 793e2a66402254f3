import { count, fraction, kind, lesson, ms, name, note, taskId, text } from '../fields.js';
import { boolean, dictionary, list, nullable, number, object, oneOf, optional, scalar } from '../schema.js';

/** What is learned, and what comes of it. */

const suggestions = list(
  object({
    parameter: text(64, 'name of the parameter'),
    current: scalar({ description: 'its value now' }),
    suggested: scalar({ description: 'the value to use from the next task on' }),
    reason: note(1024, 'why, for people'),
  }),
  { maxItems: 64, description: 'one for each parameter to change' },
);
const context = dictionary(scalar({}), { maxProperties: 64, description: 'circumstances by name' });

/** What a judge has to know of an experience beside what the agent says, and how the coordinator would judge. */
const judging = object(
  {
    kind,
    source: oneOf(['task', 'forecast', 'failure', 'agent'], 'who saw what came of it'),
    success: boolean({ description: 'it counts as a success' }),
    value: nullable(number({ description: 'as in outcome; null when only the success is known' })),
    confidence: nullable(fraction('as in outcome; null when the agent did not say')),
    latencyMs: nullable(ms('as in outcome; null when there was no result')),
    startedAt: ms('when the agent was given the work'),
    grade: fraction('of the outcome: 0 is the worst, 1 the best'),
    peersMedianMs: nullable(ms("median latency of the other agents' at the same kind and context")),
    outcomes: count('known outcomes of the agent at that kind and context, before this one'),
    successes: count('of them, successes'),
    scores: object(
      {
        weight: number({ minimum: 0, description: 'sum of the weights' }),
        squaredWeight: number({ minimum: 0, description: 'sum of their squares' }),
        mean: number({ description: 'weighted mean' }),
        squares: number({ description: 'weighted sum of squared differences from it' }),
      },
      { description: 'scores of its verdicts there so far; the weight falls by 1 % with each new one' },
    ),
    score: number({ minimum: -1, maximum: 1, description: 'what counts when the judge stays silent' }),
    scoreConfidence: fraction('how sure that is'),
  },
  { description: 'coordinator to agent: what it takes to judge' },
);

export const reasoningMessages = {
  AdaptationCommand: object({
    adaptationId: text(64, 'UUID version 7'),
    kind,
    suggestions,
  }),
  AdaptationAck: object({
    adaptationId: text(64, 'of the command'),
    outcome: oneOf(
      ['applied', 'refused'],
      'applied: all of it, for the tasks that start from now on; refused: nothing of it',
    ),
    reason: optional(note(1024, 'refused: which parameter, and why')),
  }),
  ReasoningExperience: object({
    experienceId: text(64, 'UUID version 7, made by the agent: the same id is recorded once'),
    agentId: name('agent it belongs to'),
    taskId: optional(taskId),
    action: text(128, 'what was done'),
    context,
    outcome: object({
      value: number({ description: 'what came of it; the larger the better' }),
      confidence: fraction('how sure the agent is'),
      latencyMs: ms('how long it took'),
    }),
    recordedAt: ms("agent's clock"),
    judging: optional(judging),
  }),
  ReasoningVerdict: object({
    experienceId: text(64, 'of the experience'),
    agentId: name('agent whose experience it is'),
    score: number({ minimum: -1, maximum: 1, description: '0 is neither good nor bad' }),
    confidence: fraction('how sure the judge is'),
    suggestions: optional(suggestions),
    memories: optional(
      list(
        object({
          ...lesson,
          kind,
          learnedFrom: oneOf(['success', 'failure'], 'what it was learned from'),
          context,
          sources: list(text(64, 'experienceId'), { maxItems: 32, description: 'what it was drawn from' }),
        }),
        { maxItems: 8, description: 'lessons drawn from the experiences judged so far' },
      ),
    ),
  }),
} as const;
