import type { MessageOf } from '../protocol/messages.js';
import { boundedContext } from '../reasoning/experience.js';
import { sharedCircumstances, type Batch } from '../reasoning/memory/distiller.js';
import { boundedDraft } from '../reasoning/memory/item.js';
import { boundedJudgement, type Judgement, type VerdictParts } from '../reasoning/verdict.js';
import { describe, isRecord } from '../tasks/checks.js';

/** What judges and distillers of the user's answer, in range and in the form in which it is sent. */

export type Lesson = NonNullable<MessageOf<'ReasoningVerdict'>['memories']>[number];

/** Lessons of one batch. */
const MAX_LESSONS = 8;

/** `builtIn`: for the parts that are not given. @throws TypeError when it is no judgement. */
export function judgementOf(said: unknown, builtIn: Judgement): Judgement {
  const { score, confidence, parts } = isRecord(said) ? said : {};
  if (typeof score === 'number' && typeof confidence === 'number') {
    const own = parts === undefined ? builtIn.parts : partsOf(parts, builtIn.parts);
    const judgement = boundedJudgement(score, confidence, own);
    if (judgement !== null) return judgement;
  }
  throw new TypeError(
    `a judge returns { score: -1 to 1, confidence: 0 to 1 }; score is ${describe(score)}, confidence ${describe(confidence)}`,
  );
}

function partsOf(said: unknown, builtIn: VerdictParts): VerdictParts {
  const given = isRecord(said) ? said : {};
  const part = <T extends number | null>(value: unknown, otherwise: T): number | T =>
    typeof value === 'number' && Number.isFinite(value) ? Math.min(1, Math.max(-1, value)) : otherwise;
  return {
    quality: part(given['quality'], builtIn.quality),
    speed: part(given['speed'], builtIn.speed),
    calibration: part(given['calibration'], builtIn.calibration),
    reliability: part(given['reliability'], builtIn.reliability),
  };
}

/**
 * At most 8. What a lesson is of is the batch's own: kind, polarity and sources, and its circumstances where it gives none.
 *
 * @throws TypeError when one is no lesson.
 */
export function lessonsOf(said: unknown, batch: Batch): Lesson[] {
  if (!Array.isArray(said)) {
    throw new TypeError(`a distiller returns a list of lessons; it returned ${describe(said)}`);
  }
  const lessons: readonly unknown[] = said;
  return lessons.slice(0, MAX_LESSONS).map((lesson, index) => lessonOf(lesson, index, batch));
}

function lessonOf(said: unknown, index: number, batch: Batch): Lesson {
  const fields = isRecord(said) ? said : {};
  const text = (name: 'title' | 'description' | 'content'): string => {
    const value = fields[name];
    if (typeof value === 'string' && value !== '') return value;
    throw new TypeError(
      `lesson ${index}: ${name} must be a text that is not empty; it is ${describe(value)}`,
    );
  };
  const { context } = fields;
  const { kind, learnedFrom, judged } = batch;
  const { sources, ...draft } = boundedDraft({
    title: text('title'),
    description: text('description'),
    content: text('content'),
    kind,
    learnedFrom,
    context: boundedContext(isRecord(context) ? context : sharedCircumstances(batch)),
    sources: judged.map(({ experience }) => experience.experienceId),
  });
  return { ...draft, context: { ...draft.context }, sources: [...sources] };
}
