import type { ErrorDetail, MessageOf } from '../protocol/messages.js';

/** What the coordinator learns from without decoding the result: the fields of PatternMatchResult beside the lease. */
export type PatternSummary = Pick<
  MessageOf<'PatternMatchResult'>,
  'patternType' | 'matchCount' | 'confidence' | 'expectedOutcome' | 'computeTimeMs'
>;

/** How one run of a handler ended. `runMs` is the time the handler itself took. */
export type RunOutcome =
  | {
      readonly outcome: 'completed';
      readonly runMs: number;
      /** The encoded result. */
      readonly payload: Uint8Array;
      readonly summary: PatternSummary | null;
    }
  | { readonly outcome: 'failed'; readonly runMs: number; readonly error: ErrorDetail }
  /** It was asked to stop, and did or was made to. */
  | { readonly outcome: 'aborted'; readonly runMs: number };

/**
 * Draws the summary out of a result of `pattern-match`; null for other kinds and for a result that is not of its
 * form (an own handler may have taken the kind over), which then goes as a plain TaskCompletion.
 */
export function summarize(kind: string, result: unknown): PatternSummary | null {
  if (kind !== 'pattern-match' || typeof result !== 'object' || result === null) return null;
  const field = (name: string): unknown => Reflect.get(result, name);
  const patternType = field('patternType');
  const matches = field('matches');
  const computeTimeMs = field('computeTimeMs');
  if (typeof patternType !== 'string' || patternType === '' || patternType.length > 64) return null;
  if (!Array.isArray(matches) || typeof computeTimeMs !== 'number' || !(computeTimeMs >= 0)) return null;
  const confidence = finite(field('confidence'));
  return {
    patternType,
    matchCount: matches.length,
    confidence: confidence === null ? null : Math.min(1, Math.max(0, confidence)),
    expectedOutcome: finite(field('expectedOutcome')),
    computeTimeMs,
  };
}

function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
