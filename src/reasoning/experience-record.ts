import type { MessageOf } from '../protocol/messages.js';
import {
  type Context,
  type Experience,
  type ExperienceSource,
  type Outcome,
  RESERVED_NAME,
  type Scalar,
} from './experience.js';

/** An experience in the form in which a store keeps them: the agent's message and its time of arrival. */
export interface StoredExperience extends Omit<MessageOf<'ReasoningExperience'>, 'type'> {
  readonly receivedAt: number;
}

const SOURCES: readonly ExperienceSource[] = ['task', 'forecast', 'failure', 'agent'];

/** What the message has no field for goes into the context, under names that begin with `@`. */
export function toStored(experience: Experience): StoredExperience {
  const { experienceId, source, agentId, kind, action, taskId, context, outcome } = experience;
  return {
    experienceId,
    agentId,
    ...(taskId === null ? {} : { taskId }),
    action,
    context: {
      ...context,
      '@source': source,
      '@kind': kind,
      '@startedAt': experience.startedAt,
      '@success': outcome.success,
      ...(outcome.value === null ? { '@value': null } : {}),
      ...(outcome.confidence === null ? { '@confidence': null } : {}),
      ...(outcome.latencyMs === null ? { '@latencyMs': null } : {}),
    },
    outcome: plainOutcome(outcome),
    recordedAt: experience.recordedAt,
    receivedAt: experience.recordedAt,
  };
}

/** In the form of the message, which has 0 for what is not known. */
export function plainOutcome({ value, confidence, latencyMs }: Outcome): StoredExperience['outcome'] {
  return { value: value ?? 0, confidence: confidence ?? 0, latencyMs: latencyMs ?? 0 };
}

/** Null for one that `toStored` did not make. */
export function fromStored(stored: StoredExperience): Experience | null {
  const { experienceId, agentId, taskId, action, context, outcome, receivedAt } = stored;
  const source = SOURCES.find((known) => known === context['@source']);
  const kind = context['@kind'];
  const startedAt = context['@startedAt'];
  const success = context['@success'];
  if (source === undefined || typeof kind !== 'string' || typeof startedAt !== 'number') return null;
  if (typeof success !== 'boolean') return null;
  const known = <T>(name: string, value: T): T | null => (Object.hasOwn(context, name) ? null : value);
  return {
    experienceId,
    source,
    agentId,
    kind,
    action,
    taskId: taskId ?? null,
    context: withoutReserved(context),
    outcome: {
      value: known('@value', outcome.value),
      confidence: known('@confidence', outcome.confidence),
      latencyMs: known('@latencyMs', outcome.latencyMs),
      success,
    },
    startedAt,
    recordedAt: receivedAt,
  };
}

function withoutReserved(context: Readonly<Record<string, Scalar>>): Context {
  return Object.fromEntries(Object.entries(context).filter(([name]) => !name.startsWith(RESERVED_NAME)));
}
