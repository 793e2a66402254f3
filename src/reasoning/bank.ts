import { DEFAULT_ADAPTATION } from './adaptation/options.js';
import { AdaptationPlanner, type PlannerSink } from './adaptation/planner.js';
import type { Adaptation, AdaptationReport } from './adaptation/state.js';
import type {
  BankAction,
  BankCounters,
  BankEvent,
  BankOptions,
  BankPorts,
  BankRecord,
  BankSnapshot,
} from './contract.js';
import { type Context, type Experience, MAX_CONTEXT_ENTRIES } from './experience.js';
import {
  fromAgent,
  fromCompletion,
  fromFailure,
  fromForecast,
  forecastOf,
  idOfDelivery,
  idOfOutcome,
  withSuccess,
} from './experiences.js';
import { Awaiting, type AwaitedVerdict, verdictOf } from './awaiting.js';
import { KindRules } from './kind-rules.js';
import { Batches, DEFAULT_BATCHES } from './memory/batches.js';
import { type Distiller, plainDistiller } from './memory/distiller.js';
import type { MemoryDraft } from './memory/item.js';
import { DEFAULT_MEMORY, Memory, type Recalled } from './memory/memory.js';
import { gradeOf } from './outcome-scale.js';
import { pairKey } from './pair-key.js';
import { PendingForecasts, type PendingForecast } from './pending-forecasts.js';
import { cellsOf, DEFAULT_PERFORMANCE_LIMITS, type Levels, Performance } from './performance/performance.js';
import { SCORE_DECAY } from './performance/cell.js';
import { RecentIds } from '../collections/recent-ids.js';
import { BankReports } from './reports.js';
import { Ring } from '../collections/ring.js';
import { DecayedMoments } from './statistics/decayed-moments.js';
import {
  boundedJudgement,
  type Judge,
  type Judgement,
  scoringJudge,
  type Standing,
  type Suggestion,
  type Verdict,
} from './verdict.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DEFAULT_PENDING = { maxPending: 10_000, maxAgeMs: 30 * DAY_MS };
const MAX_AWAITING = 4_096;
export const BUILT_IN_JUDGE = 'built-in';

/**
 * Learns from what agents do: records experiences, judges them, keeps performance, has agents adapt and sees whether it
 * helped, and distils lessons. `handle` takes what happened and returns what to do, in that order; nothing in it waits,
 * reads a clock or throws for what a peer says. All memory is bounded.
 */
export class ReasoningBank {
  /** For routing and reports; only the bank writes to it. */
  readonly performance: Performance;
  /** Tables for people and programs. */
  readonly reports: BankReports;
  readonly #kinds: KindRules;
  readonly #ports: BankPorts;
  readonly #judge: Judge;
  readonly #distiller: Distiller | 'external';
  readonly #planner: AdaptationPlanner;
  readonly #memory: Memory;
  readonly #batches: Batches;
  readonly #pending: PendingForecasts;
  readonly #ids: RecentIds;
  readonly #awaiting: Awaiting;
  readonly #verdicts: Ring<Verdict>;
  readonly #ended: Ring<AdaptationReport>;
  readonly #counters: BankCounters;
  #judgeAvailable = false;
  #agedAt: number;
  #actions: BankAction[] = [];
  #now: number;

  /** Throws RangeError for options that make no sense. `snapshot`: to go on from; later records follow by `recover`. */
  constructor(options: BankOptions, ports: BankPorts, now: number, snapshot?: BankSnapshot) {
    this.#kinds = new KindRules(options.kinds);
    const { maxHistory = 1_000 } = options;
    this.#ports = ports;
    this.#now = now;
    this.#agedAt = now;
    this.#judge = options.judge ?? scoringJudge();
    this.#distiller = options.distiller ?? plainDistiller;
    const limits = { ...DEFAULT_PERFORMANCE_LIMITS, ...options.performance };
    this.performance = new Performance(limits, snapshot?.performance);
    const adaptation = { ...DEFAULT_ADAPTATION, ...options.adaptation };
    this.#planner = new AdaptationPlanner(adaptation, ports.random, snapshot?.adaptation);
    this.#memory = new Memory({ ...DEFAULT_MEMORY, ...options.memory }, options.index);
    for (const item of snapshot?.memories ?? []) this.#memory.restore(item.memoryId, item);
    this.#batches = new Batches({ ...DEFAULT_BATCHES, ...options.batches });
    this.#pending = new PendingForecasts({ ...DEFAULT_PENDING, ...options.pending }, snapshot?.forecasts);
    this.#ids = new RecentIds(options.maxIds ?? 50_000, snapshot?.experienceIds);
    this.#awaiting = new Awaiting(options.judgeWithinMs ?? 5_000);
    this.#verdicts = new Ring(maxHistory, snapshot?.verdicts);
    this.#ended = new Ring(maxHistory, snapshot?.adaptationReports);
    this.#counters = {
      ...(snapshot?.counters ?? { experiences: 0, repeated: 0, unjudged: 0, unmatched: 0 }),
    };
    this.reports = new BankReports({
      performance: this.performance,
      planner: this.#planner,
      memory: this.#memory,
      pending: this.#pending,
      verdicts: this.#verdicts,
      ended: this.#ended,
      counters: this.#counters,
    });
  }

  handle(event: BankEvent, now: number): readonly BankAction[] {
    this.#now = now;
    this.#step(event);
    return this.#takeActions();
  }

  /** When the next `tick` is due, or null when nothing waits for time. May change with each `handle`. */
  nextDeadline(): number | null {
    let next = this.#memory.size === 0 ? null : this.#agedAt + HOUR_MS;
    for (const other of [
      this.#pending.nextDeadline(),
      this.#planner.nextDeadline(),
      this.#awaiting.nextDeadline(),
    ]) {
      if (other !== null && (next === null || other < next)) next = other;
    }
    return next;
  }

  /** The forecast of a task that waits for its outcome, or null. */
  forecast(taskId: string): PendingForecast | null {
    return this.#pending.get(taskId);
  }

  /** The outcome of this task has counted, and not so long ago that it is forgotten. */
  knowsOutcome(taskId: string): boolean {
    return this.#ids.has(idOfOutcome(taskId));
  }

  /** There is a lesson for this kind of task. */
  remembers(kind: string): boolean {
    return this.#memory.knows(kind);
  }

  /**
   * Lessons for a task of that kind and context, the most fitting first, and what to store of their being used. At most
   * `count`; costs O(items).
   */
  recall(
    kind: string,
    context: Context,
    count: number,
    now: number,
  ): { readonly recalled: readonly Recalled[]; readonly actions: readonly BankAction[] } {
    const recalled = this.#memory.recall(kind, context, count, now, this.#memoryChanged);
    return { recalled, actions: this.#takeActions() };
  }

  /**
   * Takes up a record that is newer than the snapshot, in the order in which they were stored, before the first event.
   * An experience counts for performance, and leads to nothing else: what came of it has records of its own. Those
   * that the snapshot knows are skipped.
   */
  recover(record: BankRecord): void {
    switch (record.type) {
      case 'experience':
        this.#recount(record.experience);
        return;
      case 'forecast':
        if (record.forecast === null) {
          this.#pending.delete(record.taskId);
          return;
        }
        if (this.#ids.add(idOfDelivery(record.taskId))) this.#countDelivery(record.forecast);
        this.#pending.add(record.forecast);
        return;
      case 'adaptation':
        this.#planner.restore(record.adaptation);
        return;
      case 'memory':
        this.#memory.restore(record.memoryId, record.item);
        return;
    }
  }

  /** What is being gathered for the distiller, and verdicts that others owe, are not in it. */
  snapshot(now: number): BankSnapshot {
    return {
      version: 1,
      takenAt: now,
      performance: this.performance.plain(),
      adaptation: this.#planner.plain(),
      adaptationReports: this.#ended.toArray(),
      verdicts: this.#verdicts.toArray(),
      memories: [...this.#memory.items],
      forecasts: this.#pending.plain(),
      experienceIds: this.#ids.plain(),
      counters: { ...this.#counters },
    };
  }

  #step(event: BankEvent): void {
    switch (event.type) {
      case 'taskCompleted':
        if (event.awaits === undefined) {
          this.#learn(fromCompletion(event, this.#kinds.scale(event.kind), this.#now), true);
          return;
        }
        this.#await(event, event.awaits.expected);
        return;
      case 'taskFailed':
        this.#learn(fromFailure(event, this.#now), true);
        return;
      case 'resultsCounted':
        this.performance.countMany(event);
        return;
      case 'outcomeReported':
        this.#judgeForecast(event);
        return;
      case 'experienceReported': {
        const experience = fromAgent(event.experience, event.kind, this.#now);
        this.#learn(withSuccess(experience, this.#kinds.scale(experience.kind)), true);
        return;
      }
      case 'adaptationAcknowledged':
        this.#planner.acknowledged(event.agentId, event.adaptationId, this.#now, this.#sink);
        return;
      case 'adaptationRefused':
        this.#planner.refused(event.agentId, event.adaptationId, this.#now, this.#sink);
        return;
      case 'agentJoined':
        this.#planner.joined(event.agentId, event.resumed, this.#now, this.#sink);
        return;
      case 'judgeAvailable':
        this.#judgeAvailable = event.available;
        if (!event.available) for (const awaited of this.#awaiting.takeAll()) this.#settle(awaited);
        return;
      case 'verdictReceived':
        this.#settleForeign(event);
        return;
      case 'memoriesDistilled':
        for (const draft of event.drafts) this.#remember(draft);
        return;
      case 'tick':
        this.#tick();
        return;
    }
  }

  #await(event: Extract<BankEvent, { type: 'taskCompleted' }>, expected: number | null): void {
    const forecast = forecastOf(event, expected, this.#now);
    if (!this.#ids.add(idOfDelivery(event.taskId))) {
      this.#counters.repeated++;
      return;
    }
    this.#countDelivery(forecast);
    this.#store({ type: 'forecast', taskId: forecast.taskId, forecast });
    const dropped = this.#pending.add(forecast);
    if (dropped !== null) this.#dropForecast(dropped.taskId);
  }

  #countDelivery(forecast: PendingForecast): void {
    const { agentId, kind, latencyMs } = forecast;
    const levels = this.performance.levels(agentId, kind, this.#kinds.contextKey(forecast));
    for (const cell of cellsOf(levels)) cell.addDelivery(latencyMs, true);
  }

  #judgeForecast({ taskId, outcome, delivered }: Extract<BankEvent, { type: 'outcomeReported' }>): void {
    const forecast = this.#pending.get(taskId);
    if (forecast === null && delivered !== undefined && 'value' in outcome) {
      const completion = { type: 'taskCompleted', taskId, ...delivered, confidence: null, outcome } as const;
      this.#learn(fromCompletion(completion, this.#kinds.scale(delivered.kind), this.#now), false);
      return;
    }
    const judge = this.#kinds.forecastJudge(forecast?.kind);
    const experience =
      forecast === null
        ? null
        : fromForecast(forecast, outcome, judge, this.#kinds.scale(forecast.kind), this.#now);
    if (experience === null) {
      // unknown, or what is said of it cannot be judged: then it waits on
      this.#counters.unmatched++;
      this.#act({ type: 'outcomeUnmatched', taskId });
      return;
    }
    this.#pending.delete(taskId);
    this.#store({ type: 'forecast', taskId, forecast: null });
    this.#learn(experience, false);
  }

  /** `delivery`: its result has not been counted before. */
  #learn(experience: Experience, delivery: boolean): void {
    const counted = this.#count(experience, delivery);
    if (counted === null) return;
    this.#store({ type: 'experience', experience });
    const { levels, context, judgement, standing } = counted;
    const awaited: AwaitedVerdict = {
      experience,
      judgement,
      judge: BUILT_IN_JUDGE,
      levels,
      context,
      suggested: [],
    };
    if (!this.#judgeAvailable) {
      this.#settle(awaited);
      return;
    }
    this.#act({ type: 'judge', experience, standing, verdict: verdictOf(awaited, [], this.#now) });
    this.#awaiting.add(awaited, this.#now);
    if (this.#awaiting.size > MAX_AWAITING) {
      const oldest = this.#awaiting.takeOldest();
      if (oldest !== null) this.#settle(oldest);
    }
  }

  /** Counts it at all levels and judges it by what was known before; null when it has counted already. */
  #count(
    experience: Experience,
    delivery: boolean,
  ): {
    readonly levels: Levels;
    readonly context: string;
    readonly judgement: Judgement;
    readonly standing: Standing;
  } | null {
    const { experienceId, source, agentId, outcome, kind } = experience;
    // what agents call their own must not stand in for what was seen here, nor for what others call theirs
    if (!this.#ids.add(source === 'agent' ? pairKey(agentId, experienceId) : experienceId)) {
      this.#counters.repeated++;
      return null;
    }
    this.#counters.experiences++;
    const context = this.#kinds.contextKey(experience);
    const levels = this.performance.levels(agentId, kind, context);
    const { own, kindContext } = levels;
    const grade = gradeOf(outcome, this.#kinds.scale(kind));
    const standing: Standing = {
      grade,
      peersMedianMs: kindContext.latency.quantile(0.5, own.latency),
      outcomes: own.outcomes,
      successes: own.successes,
      scores: this.#judgeAvailable ? new DecayedMoments(SCORE_DECAY, own.score.plain()) : own.score,
    };
    const judgement = this.#judge(experience, standing);
    const observed = source !== 'agent';
    const { value, confidence, latencyMs, success } = outcome;
    for (const cell of cellsOf(levels)) {
      if (latencyMs === null) cell.addFailure();
      else if (delivery) cell.addDelivery(latencyMs, observed);
      cell.addOutcome({ value, grade, confidence, success, observed });
    }
    return { levels, context, judgement, standing };
  }

  #recount(experience: Experience): void {
    const counted = this.#count(experience, this.#isNewDelivery(experience));
    if (counted === null) return;
    for (const cell of cellsOf(counted.levels)) cell.score.add(counted.judgement.score);
  }

  /** After a restart: whether the delivery of a judged forecast is in the snapshot. */
  #isNewDelivery({ source, taskId }: Experience): boolean {
    return source !== 'forecast' || taskId === null || this.#ids.add(idOfDelivery(taskId));
  }

  #settleForeign(event: Extract<BankEvent, { type: 'verdictReceived' }>): void {
    const awaited = this.#awaiting.take(event.agentId, event.experienceId);
    if (awaited === null) return;
    const { score, confidence, judge } = event;
    const judgement = boundedJudgement(score, confidence, awaited.judgement.parts);
    const suggested = event.suggestions.slice(0, MAX_CONTEXT_ENTRIES);
    this.#settle(judgement === null ? awaited : { ...awaited, judgement, judge, suggested });
  }

  /** The verdict stands: it counts, is told, and may lead to an adaptation and a lesson. */
  #settle(awaited: AwaitedVerdict): void {
    const { experience, judgement, levels, context, suggested } = awaited;
    const { agentId, kind, startedAt } = experience;
    for (const cell of cellsOf(levels)) cell.score.add(judgement.score);
    this.#planner.score(agentId, kind, judgement.score, startedAt, this.#now, this.#sink, suggested);
    const verdict = verdictOf(awaited, this.#planner.suggestions(agentId, kind), this.#now);
    this.#verdicts.push(verdict);
    this.#act({ type: 'verdict', verdict });
    const batch = this.#batches.add({ experience, verdict }, context);
    if (batch === null) return;
    if (this.#distiller === 'external') this.#act({ type: 'distil', batch });
    else for (const draft of this.#distiller(batch)) this.#remember(draft);
  }

  #remember(draft: MemoryDraft): void {
    this.#memory.learn(draft, () => this.#ports.newId(this.#now), this.#now, this.#memoryChanged);
  }

  #tick(): void {
    const now = this.#now;
    for (let old = this.#pending.popExpired(now); old !== null; old = this.#pending.popExpired(now)) {
      this.#dropForecast(old.taskId);
    }
    for (let due = this.#awaiting.popDue(now); due !== null; due = this.#awaiting.popDue(now)) {
      this.#settle(due);
    }
    this.#planner.tick(now, this.#sink);
    if (now < this.#agedAt + HOUR_MS) return;
    this.#agedAt = now;
    this.#memory.age(now, this.#memoryChanged);
  }

  #dropForecast(taskId: string): void {
    this.#counters.unjudged++;
    this.#store({ type: 'forecast', taskId, forecast: null });
  }

  readonly #sink: PlannerSink = {
    newId: () => this.#ports.newId(this.#now),
    command: ({ agentId, kind }: Adaptation, adaptationId: string, suggestions: readonly Suggestion[]) => {
      this.#act({ type: 'adapt', agentId, command: { adaptationId, kind, suggestions: [...suggestions] } });
    },
    ended: (report) => {
      this.#ended.push(report);
      this.#act({ type: 'adapted', report });
    },
    changed: (adaptation) => {
      const { agentId, kind } = adaptation;
      this.#store({ type: 'adaptation', agentId, kind, adaptation: { ...adaptation } });
    },
  };

  readonly #memoryChanged = (
    memoryId: string,
    item: Extract<BankRecord, { type: 'memory' }>['item'],
  ): void => {
    this.#store({ type: 'memory', memoryId, item });
  };

  #store(record: BankRecord): void {
    this.#act({ type: 'store', record });
  }

  #act(action: BankAction): void {
    this.#actions.push(action);
  }

  #takeActions(): readonly BankAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}
