import type { Clock } from '../observe/clock.js';
import type { Log } from '../observe/log.js';
import type { MessageOf } from '../protocol/messages.js';
import { contextKey } from '../reasoning/context-key.js';
import type { Experience } from '../reasoning/experience.js';
import { Batches } from '../reasoning/memory/batches.js';
import type { Batch } from '../reasoning/memory/distiller.js';
import { SCORE_DECAY } from '../reasoning/performance/cell.js';
import { DecayedMoments } from '../reasoning/statistics/decayed-moments.js';
import { scoringJudge, type Judgement, type Standing } from '../reasoning/verdict.js';
import { judgementOf, lessonsOf, type Lesson } from './own-answers.js';
import { OwnFunction } from './own-function.js';

/** Both run on the agent's main thread: `OwnFunction` says what is done against their taking long. */
export interface ReasonerOptions {
  /**
   * Returns, or promises, `{ score, confidence, parts }`: -1 to 1, 0 to 1, and what the built-in judge says unless it is
   * given. Default: the same judge as the coordinator's.
   */
  readonly judge?: ((experience: Experience, standing: Standing) => unknown) | undefined;
  /**
   * Returns, or promises, a list of lessons, each with `title`, `description`, `content` and perhaps a `context`, beside those
   * that the coordinator draws. Default: none.
   */
  readonly distiller?: ((batch: Batch) => unknown) | undefined;
}

type Verdict = MessageOf<'ReasoningVerdict'>;

/** After 5 s the coordinator's verdict counts. */
const JUDGE_WITHIN_MS = 4_000;
/** Nobody waits for lessons. */
const DISTIL_WITHIN_MS = 120_000;

const builtIn = scoringJudge();

/** What an agent of type `reasoning` does with the experiences it is sent. */
export class Reasoner {
  readonly #judge: OwnFunction<[experience: Experience, standing: Standing]> | null;
  readonly #distiller: OwnFunction<[batch: Batch]> | null;
  readonly #log: Log;
  readonly #send: (verdict: Verdict) => void;
  readonly #batches = new Batches();
  /** Those whose last call failed: that is said once. */
  readonly #failing = new Set<unknown>();
  #closed = false;

  constructor(
    { judge, distiller }: ReasonerOptions = {},
    {
      clock,
      log,
      send,
    }: { readonly clock: Clock; readonly log: Log; readonly send: (verdict: Verdict) => void },
  ) {
    this.#judge =
      judge === undefined ? null : new OwnFunction('judge', judge, { withinMs: JUDGE_WITHIN_MS }, clock);
    this.#distiller =
      distiller === undefined
        ? null
        : new OwnFunction('distiller', distiller, { withinMs: DISTIL_WITHIN_MS }, clock);
    this.#log = log;
    this.#send = send;
  }

  /** Answers with a verdict; with none when there is nothing to judge by, or an own judge fails: then the coordinator's counts. */
  async judge(message: MessageOf<'ReasoningExperience'>): Promise<void> {
    const { judging, experienceId, agentId } = message;
    if (judging === undefined) return;
    const experience = experienceOf(message, judging);
    const judgement = await this.#judgement(experience, standingOf(judging));
    if (judgement === null) return;
    const { score, confidence } = judgement;
    const verdict: Verdict = { type: 'ReasoningVerdict', experienceId, agentId, score, confidence };
    this.#send(verdict);
    const memories = await this.#distil(experience, judgement);
    // the verdict itself counts once
    if (memories.length > 0) this.#send({ ...verdict, memories });
  }

  /** Nothing is waited for, and nothing sent, any more. */
  close(): void {
    this.#closed = true;
    this.#judge?.close();
    this.#distiller?.close();
  }

  async #judgement(experience: Experience, standing: Standing): Promise<Judgement | null> {
    const plain = builtIn(experience, standing);
    if (this.#judge === null) return plain;
    const consequence = 'the judge failed: the built-in verdict counts';
    return this.#answer(this.#judge, [experience, standing], (said) => judgementOf(said, plain), consequence);
  }

  async #distil(experience: Experience, judgement: Judgement): Promise<Lesson[]> {
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
    if (batch === null) return [];
    const consequence = 'the distiller failed: no lesson is drawn';
    const lessons = await this.#answer(
      this.#distiller,
      [batch],
      (said) => lessonsOf(said, batch),
      consequence,
    );
    return lessons ?? [];
  }

  /** Null when there is none that can be used. */
  async #answer<Parameters extends readonly unknown[], T>(
    own: OwnFunction<Parameters>,
    parameters: Parameters,
    read: (said: unknown) => T,
    consequence: string,
  ): Promise<T | null> {
    try {
      const answer = read(await own.call(...parameters));
      this.#failing.delete(own);
      return this.#closed ? null : answer;
    } catch (err) {
      if (this.#closed) return null;
      const first = !this.#failing.has(own);
      this.#failing.add(own);
      this.#log[first ? 'warn' : 'debug']({ err }, consequence);
      return null;
    }
  }
}

type Judging = NonNullable<MessageOf<'ReasoningExperience'>['judging']>;

function experienceOf(message: MessageOf<'ReasoningExperience'>, judging: Judging): Experience {
  const { experienceId, agentId, taskId = null, action, context, recordedAt } = message;
  const { kind, source, startedAt, value, confidence, latencyMs, success } = judging;
  const outcome = { value, confidence, latencyMs, success };
  return { experienceId, source, agentId, kind, action, taskId, context, outcome, startedAt, recordedAt };
}

function standingOf({ grade, peersMedianMs, outcomes, successes, scores }: Judging): Standing {
  return { grade, peersMedianMs, outcomes, successes, scores: new DecayedMoments(SCORE_DECAY, scores) };
}
