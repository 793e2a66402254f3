import type { BankEvent } from './contract.js';
import { boundedContext, type Experience, OWN_IDS } from './experience.js';
import type { ForecastJudge } from './forecast-judge.js';
import type { OutcomeScale } from './outcome-scale.js';
import { OTHER } from './performance/performance.js';
import type { PendingForecast } from './pending-forecasts.js';

/** Makes experiences of events. What peers say is brought into range here; past it nothing is checked again. */

const MAX_NAME = 256;
const MAX_KIND = 64;

type Completed = Extract<BankEvent, { type: 'taskCompleted' }>;
type Failed = Extract<BankEvent, { type: 'taskFailed' }>;
type Reported = Extract<BankEvent, { type: 'outcomeReported' }>['outcome'];

/** Under which the outcome of a task counts once. */
export function idOfOutcome(taskId: string): string {
  return `${OWN_IDS}${taskId}`;
}

/** Under which the delivery of a forecast counts once. */
export function idOfDelivery(taskId: string): string {
  return `delivered:${taskId}`;
}

/** A result whose outcome is known with it, or of which only the success is known. */
export function fromCompletion(event: Completed, scale: OutcomeScale, now: number): Experience {
  const { taskId, agentId, kind, context, startedAt, latencyMs, confidence, outcome } = event;
  const value = outcome === undefined ? null : finite(outcome.value);
  return {
    experienceId: idOfOutcome(taskId),
    source: 'task',
    agentId,
    kind,
    action: kind,
    taskId,
    context: boundedContext(context),
    outcome: {
      value,
      confidence: share(confidence),
      latencyMs: duration(latencyMs),
      success: outcome?.success ?? (value === null || value > scale.successAbove),
    },
    startedAt,
    recordedAt: now,
  };
}

/** An attempt without a result: whatever the outcome would have been, it did not come. */
export function fromFailure(event: Failed, now: number): Experience {
  const { taskId, attempt, agentId, kind, context, startedAt, error } = event;
  return {
    experienceId: `${OWN_IDS}${taskId}:${attempt}`,
    source: 'failure',
    agentId,
    kind,
    action: `failed: ${error}`.slice(0, MAX_NAME),
    taskId,
    context: boundedContext(context),
    outcome: { value: null, confidence: null, latencyMs: null, success: false },
    startedAt,
    recordedAt: now,
  };
}

export function forecastOf(event: Completed, expected: number | null, now: number): PendingForecast {
  const { taskId, agentId, kind, context, startedAt, latencyMs, confidence } = event;
  return {
    taskId,
    agentId,
    kind,
    context: boundedContext(context),
    expected: expected === null ? null : finite(expected),
    confidence: share(confidence),
    latencyMs: duration(latencyMs),
    startedAt,
    deliveredAt: now,
  };
}

/** Null when the report does not say what the forecast was worth. */
export function fromForecast(
  forecast: PendingForecast,
  reported: Reported,
  judge: ForecastJudge,
  scale: OutcomeScale,
  now: number,
): Experience | null {
  const outcome = outcomeOf(forecast, reported, judge, scale);
  if (outcome === null) return null;
  const { taskId, agentId, kind, context, confidence, latencyMs, startedAt } = forecast;
  return {
    experienceId: idOfOutcome(taskId),
    source: 'forecast',
    agentId,
    kind,
    action: 'forecast',
    taskId,
    context,
    outcome: { value: outcome.value, confidence, latencyMs, success: outcome.success },
    startedAt,
    recordedAt: now,
  };
}

function outcomeOf(
  { expected }: PendingForecast,
  reported: Reported,
  judge: ForecastJudge,
  { successAbove }: OutcomeScale,
): { readonly value: number; readonly success: boolean } | null {
  if ('actual' in reported) {
    return expected === null || !Number.isFinite(reported.actual) ? null : judge(expected, reported.actual);
  }
  if (!Number.isFinite(reported.value)) return null;
  return { value: reported.value, success: reported.success ?? reported.value > successAbove };
}

/** Its success is for the caller to say. */
export function fromAgent(
  reported: Extract<BankEvent, { type: 'experienceReported' }>['experience'],
  kind: string | null,
  now: number,
): Experience {
  const { experienceId, agentId, taskId, action, outcome } = reported;
  const context = boundedContext(reported.context);
  const named = context['kind'];
  const latencyMs = duration(outcome.latencyMs);
  return {
    experienceId,
    source: 'agent',
    agentId,
    kind: kind ?? (typeof named === 'string' && named !== '' ? named.slice(0, MAX_KIND) : OTHER),
    action,
    taskId: taskId ?? null,
    context,
    outcome: {
      value: finite(outcome.value),
      confidence: share(outcome.confidence),
      latencyMs,
      success: true,
    },
    // the agent's clock says nothing here
    startedAt: now - latencyMs,
    recordedAt: now,
  };
}

/** An agent's own account says nothing of success: its value does. */
export function withSuccess(experience: Experience, { successAbove }: OutcomeScale): Experience {
  const { outcome } = experience;
  return { ...experience, outcome: { ...outcome, success: (outcome.value ?? successAbove) > successAbove } };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function share(value: number | null): number | null {
  return value === null || Number.isNaN(value) ? null : Math.min(1, Math.max(0, value));
}

function duration(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
