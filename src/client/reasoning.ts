import { checker, type Checker } from '../protocol/validate.js';
import { boolean, dictionary, list, nullable, number, object, scalar, string } from '../protocol/schema.js';
import type { Static } from '../protocol/schema.js';

/** What came of a result: what the forecast was about, or what the result was worth on the scale of its kind (-1 to 1). */
export type TaskWorth =
  | { readonly actual: number }
  /** `success`: default, value over 0. */
  | { readonly value: number; readonly success?: boolean };

const MOST = 100_000;
const text = string({});
const real = number({});
const estimate = nullable(object({ mean: real, low: nullable(real), high: nullable(real) }));
const suggestions = list(
  object({ parameter: text, current: scalar({}), suggested: scalar({}), reason: text }),
  { maxItems: MOST },
);

/** As docs/reasoning.md explains it. */
const report = object({
  performance: list(
    object({
      agentId: nullable(text),
      kind: nullable(text),
      context: nullable(text),
      delivered: real,
      failed: real,
      outcomes: real,
      successRate: nullable(object({ value: real, low: real, high: real })),
      outcome: estimate,
      grade: estimate,
      confidence: nullable(real),
      brier: nullable(real),
      latency: nullable(object({ recent: real, p50: real, p95: real })),
      trend: nullable(object({ value: real, standardError: real })),
      score: nullable(real),
    }),
    { maxItems: MOST, description: 'null at agent, kind or context: all of them together' },
  ),
  leftOut: number({ description: 'rows that did not fit' }),
  verdicts: list(
    object({
      experienceId: text,
      agentId: text,
      kind: text,
      score: real,
      parts: object(
        { quality: real, speed: nullable(real), calibration: nullable(real), reliability: real },
        { description: 'of the score, as the coordinator sees them; null without a basis' },
      ),
      confidence: real,
      judge: text,
      shouldAdapt: boolean({}),
      suggestions,
      judgedAt: real,
    }),
    { maxItems: MOST, description: 'the latest first' },
  ),
  adaptations: list(
    object({
      adaptationId: text,
      agentId: text,
      kind: text,
      suggestions,
      end: text,
      before: nullable(real),
      after: nullable(real),
      outcomes: real,
      comparison: nullable(object({ difference: real, pValue: real, low: real, high: real })),
      endedAt: real,
    }),
    { maxItems: MOST, description: 'changes that are over, the latest first' },
  ),
  underWay: list(
    object({
      agentId: text,
      kind: text,
      phase: text,
      suggestions,
      gathered: real,
      values: dictionary(scalar({}), { maxProperties: 256 }),
    }),
    { maxItems: MOST, description: 'where the adaptation of each agent and kind stands' },
  ),
  memories: list(
    object({
      memoryId: text,
      title: text,
      description: text,
      content: text,
      kind: text,
      learnedFrom: text,
      evidence: real,
      uses: real,
    }),
    { maxItems: MOST, description: 'those with the most evidence first' },
  ),
  judges: list(text, { maxItems: MOST, description: 'agents of type reasoning that judge now' }),
  counters: object({
    experiences: real,
    repeated: real,
    unjudged: real,
    unmatched: real,
    pendingForecasts: real,
    memories: real,
    adaptations: dictionary(real, { maxProperties: 64 }),
  }),
});

/**
 * What the swarm has learned, as docs/reasoning.md explains it.
 * @useDeclaredType
 */
export type ReasoningReport = Static<typeof report>;

let check: Checker<ReasoningReport> | null = null;

/** Compiled when the first one comes. */
export function isReasoningReport(value: unknown): value is ReasoningReport {
  check ??= checker(report);
  return check(value);
}
