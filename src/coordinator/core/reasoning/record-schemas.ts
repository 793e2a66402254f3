import { checker, type Checker } from '../../../protocol/validate.js';
import {
  boolean,
  dictionary,
  integer,
  list,
  nullable,
  number,
  object,
  oneOf,
  scalar,
  string,
  type Schema,
  type Static,
} from '../../../protocol/schema.js';

/** The form of the bank's records on disk: what is read there is believed no more than what comes from the network. */

const any = number({});
const count = integer({ minimum: 0 });
const share = number({ minimum: 0, maximum: 1 });
const notNegative = number({ minimum: 0 });
const text = string({ maxLength: 4_096 });
const scores = list(any, { maxItems: 10_000 });
const context = dictionary(scalar({}), { maxProperties: 64 });

/** A value of one of these forms. */
const either = <S extends readonly Schema<unknown>[]>(...schemas: S): Schema<Static<S[number]>> => ({
  anyOf: [...schemas],
});
const tag = <const T extends string>(name: T): Schema<T> => oneOf([name], '');

const suggestion = object({ parameter: text, current: scalar({}), suggested: scalar({}), reason: text });
const suggestions = list(suggestion, { maxItems: 64 });
const change = object({ suggestions, moves: list(text, { maxItems: 64 }), baseline: scores });
const sent = object({ adaptationId: text, sentAt: any, sends: count });
const phase = either(
  object({ phase: tag('watching'), recent: scores }),
  object({ phase: tag('resting'), left: any }),
  object({ phase: tag('measuring'), change }),
  object({ phase: tag('asking'), change, sent }),
  object({ phase: tag('trying'), change, adaptationId: text, scores, startedAt: any }),
  object({ phase: tag('returning'), suggestions, sent }),
);
const adaptation = object({
  agentId: text,
  kind: text,
  phase,
  values: dictionary(scalar({}), { maxProperties: 256 }),
  spent: list(text, { maxItems: 1_024 }),
  since: any,
  offset: any,
});

const forecast = object({
  taskId: text,
  agentId: text,
  kind: text,
  context,
  expected: nullable(any),
  confidence: nullable(share),
  latencyMs: notNegative,
  startedAt: any,
  deliveredAt: any,
});

const memory = object({
  title: text,
  description: text,
  content: text,
  kind: text,
  learnedFrom: oneOf(['success', 'failure'], ''),
  context,
  sources: list(text, { maxItems: 256 }),
  memoryId: text,
  evidence: notNegative,
  createdAt: any,
  usedAt: any,
  uses: count,
  vector: list(any, { minItems: 64, maxItems: 64 }),
});

const moments = object({ count, mean: any, squares: notNegative });
const decayed = object({
  weight: notNegative,
  squaredWeight: notNegative,
  mean: any,
  squares: notNegative,
});
const cell = object({
  delivered: count,
  failed: count,
  outcomes: count,
  successes: count,
  value: moments,
  grade: moments,
  confidence: moments,
  brier: moments,
  recentGrade: decayed,
  recentLatency: decayed,
  latency: object({
    offset: integer({ minimum: 0, maximum: 1_000 }),
    counts: list(count, { maxItems: 1_000 }),
  }),
  score: decayed,
  routedGrade: decayed,
  routedLatency: decayed,
});
const contexts = list(object({ context: text, cell }), { maxItems: 100_000 });
const kinds = list(object({ kind: text, cell, contexts }), { maxItems: 100_000 });
const performance = object({
  kinds,
  agents: list(object({ agentId: text, cell, kinds }), { maxItems: 100_000 }),
});
const verdict = object({
  experienceId: text,
  agentId: text,
  kind: text,
  score: any,
  parts: object({ quality: any, speed: nullable(any), calibration: nullable(any), reliability: any }),
  confidence: share,
  judge: text,
  shouldAdapt: boolean({}),
  suggestions,
  judgedAt: any,
});
const report = object({
  adaptationId: text,
  agentId: text,
  kind: text,
  suggestions,
  end: oneOf(['kept', 'rolled-back', 'refused', 'abandoned', 'interrupted'], ''),
  before: nullable(any),
  after: nullable(any),
  outcomes: count,
  comparison: nullable(object({ difference: any, pValue: any, low: any, high: any })),
  endedAt: any,
});
const snapshot = object({
  takenAt: any,
  performance,
  adaptation: object({
    adaptations: list(adaptation, { maxItems: 100_000 }),
    tallies: list(object({ key: text, tally: object({ tried: count, kept: count }) }), { maxItems: 100_000 }),
  }),
  adaptationReports: list(report, { maxItems: 100_000 }),
  verdicts: list(verdict, { maxItems: 100_000 }),
  experienceIds: list(text, { maxItems: 1_000_000 }),
  counters: object({ experiences: count, repeated: count, unjudged: count, unmatched: count }),
});

/** Compiled when a store has one of them. */
const lazily = <T>(schema: Schema<T>): Checker<T> => {
  let check: Checker<T> | null = null;
  return (value): value is T => (check ??= checker(schema))(value);
};
export const isForecast = lazily(forecast);
export const isAdaptation = lazily(adaptation);
export const isMemory = lazily(memory);
export const isSnapshot = lazily(snapshot);
