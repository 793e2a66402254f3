import type { ErrorDetail, MessageOf } from '../protocol/messages.js';

type WithoutLease<T> = Omit<T, 'taskId' | 'attempt' | 'epoch' | 'runMs'>;

/** What the coordinator learns from without decoding the result: the message that a kind's results go in, beside the lease. */
export type ResultSummary =
  | WithoutLease<MessageOf<'PatternMatchResult'>>
  | WithoutLease<MessageOf<'StrategyCorrelation'>>
  | WithoutLease<MessageOf<'NeuralGradients'>>;

/** How one run of a handler ended. `runMs` is the time the handler itself took. */
export type RunOutcome =
  | {
      readonly outcome: 'completed';
      readonly runMs: number;
      /** The encoded result; with NeuralGradients the gradients as they are. */
      readonly payload: Uint8Array;
      readonly summary: ResultSummary | null;
    }
  | { readonly outcome: 'failed'; readonly runMs: number; readonly error: ErrorDetail }
  /** It was asked to stop, and did or was made to. */
  | { readonly outcome: 'aborted'; readonly runMs: number };

/**
 * Draws the summary out of a result of a built-in kind; null for other kinds and for a result that is not of its
 * form (an own handler may have taken the kind over), which then goes as a plain TaskCompletion.
 */
export function summarize(kind: string, result: unknown): ResultSummary | null {
  if (typeof result !== 'object' || result === null) return null;
  switch (kind) {
    case 'neural-training':
      return summarizeGradients(fieldsOf(result));
    case 'pattern-match':
      return summarizeTimed(fieldsOf(result), summarizeMatches);
    case 'strategy-correlation':
      return summarizeTimed(fieldsOf(result), summarizeCorrelation);
    default:
      return null;
  }
}

type FieldOf = (name: string) => unknown;

const fieldsOf =
  (result: object): FieldOf =>
  (name): unknown =>
    Reflect.get(result, name);

function summarizeTimed(
  field: FieldOf,
  summarizeRest: (field: FieldOf, computeTimeMs: number) => ResultSummary | null,
): ResultSummary | null {
  const computeTimeMs = field('computeTimeMs');
  return typeof computeTimeMs === 'number' && computeTimeMs >= 0 ? summarizeRest(field, computeTimeMs) : null;
}

function summarizeMatches(field: FieldOf, computeTimeMs: number): ResultSummary | null {
  const patternType = field('patternType');
  const matches = field('matches');
  if (!isText(patternType, 64) || !Array.isArray(matches)) return null;
  const confidence = finite(field('confidence'));
  return {
    type: 'PatternMatchResult',
    patternType,
    matchCount: matches.length,
    confidence: confidence === null ? null : Math.min(1, Math.max(0, confidence)),
    expectedOutcome: finite(field('expectedOutcome')),
    computeTimeMs,
  };
}

const MAX_STRATEGIES = 10_000;
const METHODS = ['pearson', 'spearman', 'kendall', 'lcs'] as const;

function summarizeCorrelation(field: FieldOf, computeTimeMs: number): ResultSummary | null {
  const strategyIds = field('strategyIds');
  const names = field('methods');
  if (!Array.isArray(strategyIds) || strategyIds.length > MAX_STRATEGIES || !Array.isArray(names))
    return null;
  if (!strategyIds.every((id) => isText(id, 128))) return null;
  const methods = METHODS.filter((method) => names.includes(method));
  if (methods.length !== names.length) return null;
  return { type: 'StrategyCorrelation', strategyIds, methods, computeTimeMs };
}

/** The part of a result that travels as the payload: all of it, but for gradients, which are bytes already. */
export function payloadOf(result: unknown, summary: ResultSummary | null): unknown {
  if (summary?.type !== 'NeuralGradients' || typeof result !== 'object' || result === null) return result;
  return Reflect.get(result, 'gradients');
}

const ENCODINGS = ['float32', 'float16', 'top-k'] as const;

function summarizeGradients(field: FieldOf): ResultSummary | null {
  const modelVersion = finite(field('modelVersion'));
  const batchSize = finite(field('batchSize'));
  const loss = finite(field('loss'));
  const encoding = ENCODINGS.find((name) => name === field('encoding'));
  if (modelVersion === null || batchSize === null || loss === null || encoding === undefined) return null;
  if (!(field('gradients') instanceof Uint8Array)) return null;
  return { type: 'NeuralGradients', modelVersion, batchSize, loss, encoding };
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}

function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
