import type { MessageOf } from '../protocol/messages.js';
import type { AdaptationReport, Adaptation } from './adaptation/state.js';
import type { AdaptationOptions } from './adaptation/options.js';
import type { Context, Experience } from './experience.js';
import type { ForecastJudge } from './forecast-judge.js';
import type { BatchOptions } from './memory/batches.js';
import type { Batch, Distiller } from './memory/distiller.js';
import type { MemoryDraft, MemoryItem } from './memory/item.js';
import type { MemoryOptions } from './memory/memory.js';
import type { NearestIndex } from './memory/nearest-index.js';
import type { OutcomeScale } from './outcome-scale.js';
import type { PendingForecast, PendingLimits } from './pending-forecasts.js';
import type { PerformanceLimits, PlainPerformance } from './performance/performance.js';
import type { PlainPlanner } from './adaptation/planner.js';
import type { RandomSource } from '../numeric/random.js';
import type { Judge, Standing, Suggestion, Verdict } from './verdict.js';

/** What is known of a task's attempt when it ends. */
export interface AttemptFacts {
  readonly taskId: string;
  readonly agentId: string;
  readonly kind: string;
  readonly context: Context;
  /** When the agent was given the task. */
  readonly startedAt: number;
}

export type BankEvent =
  /** A result came. With `outcome`, or with neither, it is an experience at once; `awaits` says that its outcome comes later. */
  | ({
      readonly type: 'taskCompleted';
      readonly latencyMs: number;
      /** 0 to 1, or null when the result says nothing of it. */
      readonly confidence: number | null;
      readonly outcome?: { readonly value: number; readonly success?: boolean };
      /** `expected`: what the result forecasts, or null when the outcome will be given on the scale of the kind. */
      readonly awaits?: { readonly expected: number | null };
    } & AttemptFacts)
  | ({
      readonly type: 'taskFailed';
      readonly attempt: number;
      /** Stable name of the error. */
      readonly error: string;
    } & AttemptFacts)
  /**
   * Results of small tasks whose worth is not told apart, and failures beyond those that are told one by one: they count
   * for performance and routing, and are no experiences. `latencies`: a sample of the results', at least one of them.
   */
  | {
      readonly type: 'resultsCounted';
      readonly agentId: string;
      readonly kind: string;
      readonly delivered: number;
      readonly failed: number;
      readonly latencies: readonly number[];
    }
  /** The future of a forecast has arrived: what came (`actual`), or what the forecast was worth on the scale of its kind. */
  | {
      readonly type: 'outcomeReported';
      readonly taskId: string;
      readonly outcome: { readonly actual: number } | { readonly value: number; readonly success?: boolean };
      /** Of a completed task that made no forecast, or none that still waits: then `value` makes an experience of it. */
      readonly delivered?: Omit<AttemptFacts, 'taskId'> & { readonly latencyMs: number };
    }
  /** `kind`: of its task when that is known; else the context's own `kind` counts, else `other`. */
  | {
      readonly type: 'experienceReported';
      readonly experience: Omit<MessageOf<'ReasoningExperience'>, 'type'>;
      readonly kind: string | null;
    }
  | { readonly type: 'adaptationAcknowledged'; readonly agentId: string; readonly adaptationId: string }
  | { readonly type: 'adaptationRefused'; readonly agentId: string; readonly adaptationId: string }
  /** `resumed`: the same process as before, with the parameters it had. */
  | { readonly type: 'agentJoined'; readonly agentId: string; readonly resumed: boolean }
  /** Whether somebody else judges: then experiences are sent out, and judged here only when no verdict comes in time. */
  | { readonly type: 'judgeAvailable'; readonly available: boolean }
  | {
      readonly type: 'verdictReceived';
      readonly experienceId: string;
      readonly agentId: string;
      /** Who judged. */
      readonly judge: string;
      /** -1 to 1. */
      readonly score: number;
      /** 0 to 1. */
      readonly confidence: number;
      readonly suggestions: readonly Suggestion[];
    }
  /** From a distiller outside. */
  | { readonly type: 'memoriesDistilled'; readonly drafts: readonly MemoryDraft[] }
  | { readonly type: 'tick' };

/**
 * What has to survive a restart. `experience` is appended, once for each `experienceId`; of the others the last of a key
 * counts, and null deletes it. Performance is made from experiences; a snapshot saves reading them all.
 */
export type BankRecord =
  | { readonly type: 'experience'; readonly experience: Experience }
  | { readonly type: 'forecast'; readonly taskId: string; readonly forecast: PendingForecast | null }
  | {
      readonly type: 'adaptation';
      readonly agentId: string;
      readonly kind: string;
      readonly adaptation: Adaptation;
    }
  | { readonly type: 'memory'; readonly memoryId: string; readonly item: MemoryItem | null };

export type BankAction =
  /** Make it durable. Before the actions that follow are carried out, where the order matters to the caller. */
  | { readonly type: 'store'; readonly record: BankRecord }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  /** For those who judge; `verdict` is what will count if they stay silent. */
  | {
      readonly type: 'judge';
      readonly experience: Experience;
      readonly standing: Standing;
      readonly verdict: Verdict;
    }
  /** Send it to the agent; again when it resumes (`agentJoined`). */
  | {
      readonly type: 'adapt';
      readonly agentId: string;
      readonly command: Omit<MessageOf<'AdaptationCommand'>, 'type'>;
    }
  | { readonly type: 'adapted'; readonly report: AdaptationReport }
  /** For a distiller outside. */
  | { readonly type: 'distil'; readonly batch: Batch }
  /** The outcome belongs to no forecast that waits: it is unknown, judged already, or its time is over. */
  | { readonly type: 'outcomeUnmatched'; readonly taskId: string };

export interface KindOptions {
  /** What its outcomes mean; default -1 to 1 with success above 0. */
  readonly scale?: OutcomeScale;
  /** Entries of the context that tell circumstances apart; default: the first four by name. */
  readonly contextNames?: readonly string[];
  /** How its forecasts are judged; default `skill`. */
  readonly judgeForecast?: ForecastJudge;
}

export interface BankOptions {
  readonly kinds?: Readonly<Record<string, KindOptions>>;
  readonly performance?: Partial<PerformanceLimits>;
  readonly pending?: Partial<PendingLimits>;
  readonly adaptation?: Partial<AdaptationOptions>;
  readonly memory?: Partial<MemoryOptions>;
  readonly batches?: Partial<BatchOptions>;
  readonly judge?: Judge;
  /** `external`: batches leave as `distil` actions. Default `plainDistiller`. */
  readonly distiller?: Distiller | 'external';
  readonly index?: NearestIndex;
  /** How long another judge has before the built-in verdict counts. Default 5,000. */
  readonly judgeWithinMs?: number;
  /** Ids of experiences remembered, so that each counts once. Default 50,000. */
  readonly maxIds?: number;
  /** Verdicts, and ended adaptations, kept for reports. Default 1,000. */
  readonly maxHistory?: number;
}

export interface BankPorts {
  readonly random: RandomSource;
  /** A new UUID version 7. */
  newId(now: number): string;
}

export interface BankCounters {
  /** Experiences that counted. */
  experiences: number;
  /** Those that had counted before. */
  repeated: number;
  /** Forecasts whose future never arrived in time, or that had to make room. */
  unjudged: number;
  /** Outcomes without a forecast that waits for them. */
  unmatched: number;
}

/** All that the bank knows, as plain values. */
export interface BankSnapshot {
  readonly version: 1;
  readonly takenAt: number;
  readonly performance: PlainPerformance;
  readonly adaptation: PlainPlanner;
  readonly adaptationReports: readonly AdaptationReport[];
  readonly verdicts: readonly Verdict[];
  readonly memories: readonly MemoryItem[];
  readonly forecasts: readonly PendingForecast[];
  readonly experienceIds: readonly string[];
  readonly counters: Readonly<BankCounters>;
}
