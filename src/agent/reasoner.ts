import type { Log } from '../observe/log.js';
import type { MessageOf } from '../protocol/messages.js';
import { boundedContext, type Experience } from '../reasoning/experience.js';
import { Batches } from '../reasoning/memory/batches.js';
import type { Batch, Distiller } from '../reasoning/memory/distiller.js';
import { boundedDraft, type MemoryDraft } from '../reasoning/memory/item.js';
import { SCORE_DECAY } from '../reasoning/performance/cell.js';
import { contextKey } from '../reasoning/context-key.js';
import { DecayedMoments } from '../reasoning/statistics/decayed-moments.js';
import { scoringJudge, type Judge, type Judgement, type Standing } from '../reasoning/verdict.js';

export interface ReasonerOptions {
  /** Must be pure. Default: the same judge as the coordinator's. */
  readonly judge?: Judge;
  /** Draws lessons beside the coordinator's own; default: none, the coordinator draws them. */
  readonly distiller?: Distiller;
}

type Verdict = MessageOf<'ReasoningVerdict'>;

/** Lessons of one verdict. */
const MAX_MEMORIES = 8;

/** What an agent of type `reasoning` does with the experiences it is sent. */
export class Reasoner {
  readonly #judge: Judge;
  readonly #distiller: Distiller | null;
  readonly #log: Log;
  readonly #batches = new Batches();

  constructor({ judge = scoringJudge(), distiller }: ReasonerOptions = {}, log: Log) {
    this.#judge = judge;
    this.#distiller = distiller ?? null;
    this.#log = log;
  }

  /** The verdict to answer with; null when there is nothing to judge by, or an own judge fails: then the coordinator's counts. */
  judge(message: MessageOf<'ReasoningExperience'>): Verdict | null {
    const { judging, experienceId, agentId } = message;
    if (judging === undefined) return null;
    const experience = experienceOf(message, judging);
    let judgement: Judgement;
    try {
      judgement = bounded(this.#judge(experience, standingOf(judging)));
    } catch (err) {
      this.#log.warn({ err, experienceId }, 'the judge failed: the built-in verdict counts');
      return null;
    }
    const { score, confidence } = judgement;
    const memories = this.#distil(experience, judgement);
    return {
      type: 'ReasoningVerdict',
      experienceId,
      agentId,
      score,
      confidence,
      ...(memories.length === 0 ? {} : { memories }),
    };
  }

  #distil(experience: Experience, judgement: Judgement): NonNullable<Verdict['memories']> {
    if (this.#distiller === null) return [];
    const { experienceId, agentId, kind } = experience;
    const verdict = {
      ...judgement,
      experienceId,
      agentId,
      kind,
      judge: 'reasoning',
      shouldAdapt: false,
      suggestions: [],
      judgedAt: experience.recordedAt,
    };
    const batch = this.#batches.add({ experience, verdict }, contextKey(experience.context));
    return batch === null ? [] : this.#lessons(batch, this.#distiller);
  }

  #lessons(batch: Batch, distiller: Distiller): NonNullable<Verdict['memories']> {
    try {
      return distiller(batch).slice(0, MAX_MEMORIES).map(plainDraft);
    } catch (err) {
      this.#log.warn({ err, kind: batch.kind }, 'the distiller failed: no lesson is drawn');
      return [];
    }
  }
}

type Judging = NonNullable<MessageOf<'ReasoningExperience'>['judging']>;

function experienceOf(message: MessageOf<'ReasoningExperience'>, judging: Judging): Experience {
  const { experienceId, agentId, taskId, action, context, recordedAt } = message;
  const { kind, source, startedAt, value, confidence, latencyMs, success } = judging;
  const outcome = { value, confidence, latencyMs, success };
  return {
    experienceId,
    source,
    agentId,
    kind,
    action,
    taskId: taskId ?? null,
    context,
    outcome,
    startedAt,
    recordedAt,
  };
}

function standingOf({ grade, peersMedianMs, outcomes, successes, scores }: Judging): Standing {
  return { grade, peersMedianMs, outcomes, successes, scores: new DecayedMoments(SCORE_DECAY, scores) };
}

/** What an own judge says, in range. Throws when it is no judgement. */
function bounded({ score, parts, confidence }: Judgement): Judgement {
  if (!Number.isFinite(score) || !Number.isFinite(confidence)) {
    throw new TypeError('a judge returns { score, parts, confidence }: -1 to 1, and 0 to 1');
  }
  return {
    score: Math.min(1, Math.max(-1, score)),
    parts,
    confidence: Math.min(1, Math.max(0, confidence)),
  };
}

function plainDraft(draft: MemoryDraft): NonNullable<Verdict['memories']>[number] {
  const { title, description, content, kind, learnedFrom, context, sources } = boundedDraft(draft);
  return {
    title,
    description,
    content,
    kind,
    learnedFrom,
    context: { ...boundedContext(context) },
    sources: [...sources],
  };
}
