import type { Scalar } from '../experience.js';
import { pairKey } from '../pair-key.js';
import type { RandomSource } from '../../numeric/random.js';
import { Moments } from '../statistics/moments.js';
import { type Suggestion, probabilityBelow } from '../verdict.js';
import { movesOf, nextMove, opposite, suggestedValues, suggestionOf, valueOf } from './moves.js';
import { type AdaptationOptions, checkAdaptation } from './options.js';
import type { AdaptableParameter } from './parameters.js';
import type { Adaptation, AdaptationEnd, AdaptationReport, Change, Phase, Sent } from './state.js';
import { MoveTallies, type PlainTallies } from './tallies.js';
import { judgeTrial, type TrialResult } from './trial.js';

/** What the planner asks for while it handles something. */
export interface PlannerSink {
  newId(): string;
  command(adaptation: Adaptation, adaptationId: string, suggestions: readonly Suggestion[]): void;
  ended(report: AdaptationReport): void;
  /** The adaptation is in another phase: what is durable of it has changed. */
  changed(adaptation: Adaptation): void;
}

export interface PlainPlanner {
  readonly adaptations: readonly Adaptation[];
  readonly tallies: PlainTallies;
}

/** Tries one change at a time for each agent and kind, and keeps those that help. */
export class AdaptationPlanner {
  readonly #options: AdaptationOptions;
  readonly #random: RandomSource;
  readonly #tracked = new Map<string, Adaptation>();
  /** Adaptations that wait for an answer, by the id of the command. */
  readonly #byCommand = new Map<string, Adaptation>();
  readonly #tallies: MoveTallies;

  /** Throws RangeError for options that make no sense. */
  constructor(options: AdaptationOptions, random: RandomSource, from?: PlainPlanner) {
    checkAdaptation(options);
    this.#options = options;
    this.#random = random;
    for (const adaptation of from?.adaptations ?? []) this.restore(adaptation);
    this.#tallies = new MoveTallies(from?.tallies);
  }

  get tracked(): Iterable<Adaptation> {
    return this.#tracked.values();
  }

  /** What an agent should change at a kind, as long as that is decided but not done; [] else. */
  suggestions(agentId: string, kind: string): readonly Suggestion[] {
    const phase = this.#tracked.get(pairKey(agentId, kind))?.phase;
    return phase?.phase === 'measuring' || phase?.phase === 'asking' ? phase.change.suggestions : [];
  }

  /** The parameters an agent should have at a kind outside of trials. */
  values(agentId: string, kind: string): Readonly<Record<string, Scalar>> {
    const adaptation = this.#tracked.get(pairKey(agentId, kind));
    const values: [string, Scalar][] = this.#parameters(kind).map((parameter) => [
      parameter.name,
      valueOf(adaptation?.values ?? {}, parameter),
    ]);
    return Object.fromEntries(values);
  }

  /** Takes the score of a verdict on work begun at `startedAt`. `foreign`: what another judge suggests. */
  score(
    agentId: string,
    kind: string,
    score: number,
    startedAt: number,
    now: number,
    sink: PlannerSink,
    foreign: readonly Suggestion[] = [],
  ): void {
    const parameters = this.#parameters(kind);
    if (parameters.length === 0) return;
    const adaptation = this.#track(agentId, kind);
    if (startedAt < adaptation.since) return;
    const { phase } = adaptation;
    switch (phase.phase) {
      case 'watching':
        this.#watch(adaptation, [...phase.recent, score], parameters, foreign, sink);
        return;
      case 'resting':
        adaptation.phase = phase.left > 1 ? { phase: 'resting', left: phase.left - 1 } : WATCHING;
        if (adaptation.phase === WATCHING) sink.changed(adaptation);
        return;
      case 'measuring': {
        const change = { ...phase.change, baseline: [...phase.change.baseline, score] };
        if (change.baseline.length < this.#options.baseline)
          adaptation.phase = { phase: 'measuring', change };
        else this.#ask(adaptation, change, now, sink);
        return;
      }
      case 'trying': {
        const scores = [...phase.scores, score];
        adaptation.phase = { ...phase, scores };
        this.#judge(adaptation, phase.change, phase.adaptationId, scores, now, sink);
        return;
      }
      case 'asking':
      case 'returning':
        // which parameters this work was done with is not known
        return;
    }
  }

  /** The agent uses the values of that command from now on. */
  acknowledged(agentId: string, adaptationId: string, now: number, sink: PlannerSink): void {
    const adaptation = this.#answered(agentId, adaptationId);
    if (adaptation === null) return;
    const { phase } = adaptation;
    if (phase.phase === 'asking') {
      const { change } = phase;
      this.#enter(
        adaptation,
        { phase: 'trying', change, adaptationId, scores: [], startedAt: now },
        now,
        sink,
      );
    } else {
      this.#enter(adaptation, WATCHING, now, sink);
    }
  }

  /** The agent cannot use them. */
  refused(agentId: string, adaptationId: string, now: number, sink: PlannerSink): void {
    const adaptation = this.#answered(agentId, adaptationId);
    if (adaptation === null) return;
    const { phase } = adaptation;
    if (phase.phase === 'asking') {
      this.#end(adaptation, phase.change, adaptationId, [], 'refused', null, now, sink);
    }
    this.#enter(adaptation, WATCHING, now, sink);
  }

  /** An agent is here again. `resumed`: as the same process, with the parameters it had. */
  joined(agentId: string, resumed: boolean, now: number, sink: PlannerSink): void {
    for (const adaptation of this.#tracked.values()) {
      if (adaptation.agentId !== agentId) continue;
      const { phase } = adaptation;
      if (resumed) {
        if (phase.phase === 'asking') this.#send(adaptation, phase, phase.change.suggestions, now, sink);
        else if (phase.phase === 'returning') this.#send(adaptation, phase, phase.suggestions, now, sink);
        continue;
      }
      if (phase.phase === 'trying') {
        this.#end(adaptation, phase.change, phase.adaptationId, phase.scores, 'interrupted', null, now, sink);
      }
      this.#return(
        adaptation,
        this.#initialValues(adaptation),
        'kept from before the agent started anew',
        now,
        sink,
      );
    }
  }

  /** Asks again who has not answered, and gives up in the end. */
  tick(now: number, sink: PlannerSink): void {
    const { acknowledgeMs, maxSends } = this.#options;
    for (const adaptation of [...this.#byCommand.values()]) {
      const { phase } = adaptation;
      if (phase.phase !== 'asking' && phase.phase !== 'returning') continue;
      if (phase.sent.sentAt + acknowledgeMs > now) continue;
      const suggestions = phase.phase === 'asking' ? phase.change.suggestions : phase.suggestions;
      if (phase.sent.sends < maxSends) {
        this.#send(adaptation, phase, suggestions, now, sink);
      } else if (phase.phase === 'asking') {
        const { change, sent } = phase;
        this.#end(adaptation, change, sent.adaptationId, [], 'abandoned', null, now, sink);
        // it may have heard the first command all the same
        this.#return(
          adaptation,
          suggestedValues(change.suggestions),
          'the change was not acknowledged',
          now,
          sink,
        );
      } else {
        this.#byCommand.delete(phase.sent.adaptationId);
        this.#enter(adaptation, WATCHING, now, sink);
      }
    }
  }

  /** Commands under way are few: one for each agent and kind at most. */
  nextDeadline(): number | null {
    let next: number | null = null;
    for (const { phase } of this.#byCommand.values()) {
      if (phase.phase !== 'asking' && phase.phase !== 'returning') continue;
      const deadline = phase.sent.sentAt + this.#options.acknowledgeMs;
      if (next === null || deadline < next) next = deadline;
    }
    return next;
  }

  /** Takes up where a record left off. */
  restore(adaptation: Adaptation): void {
    const key = pairKey(adaptation.agentId, adaptation.kind);
    const before = this.#tracked.get(key)?.phase;
    if (before !== undefined && 'sent' in before) this.#byCommand.delete(before.sent.adaptationId);
    const own = { ...adaptation };
    this.#tracked.set(key, own);
    if ('sent' in own.phase) this.#byCommand.set(own.phase.sent.adaptationId, own);
  }

  plain(): PlainPlanner {
    return {
      // phases, values and moves are never written to, only replaced
      adaptations: [...this.#tracked.values()].map((adaptation) => ({ ...adaptation })),
      tallies: this.#tallies.plain(),
    };
  }

  #watch(
    adaptation: Adaptation,
    scores: readonly number[],
    parameters: readonly AdaptableParameter[],
    foreign: readonly Suggestion[],
    sink: PlannerSink,
  ): void {
    const { window, adaptBelow, adaptConfidence } = this.#options;
    const recent = scores.slice(-window);
    adaptation.phase = { phase: 'watching', recent };
    let moves = foreign.length === 0 ? null : movesOf(foreign, parameters, adaptation.values);
    const reasons = new Map(foreign.map(({ parameter, reason }) => [parameter, reason]));
    let reason = '';
    if (moves === null) {
      if (recent.length < window) return;
      const { count, mean, variance } = Moments.of(recent);
      const below = probabilityBelow(adaptBelow, count, mean, (variance * (count - 1)) / count);
      if (below < adaptConfidence) return;
      const move = nextMove(parameters, adaptation, (name) => this.#tallies.of(adaptation.kind, name));
      if (move === null) {
        adaptation.spent = [];
        adaptation.phase = { phase: 'resting', left: this.#options.rest };
        sink.changed(adaptation);
        return;
      }
      moves = [move];
      reason = `the last ${count} verdicts have a mean score of ${mean.toFixed(2)}, under ${adaptBelow}`;
    }
    const suggestions = moves.map((move) => suggestionOf(move, reasons.get(move.parameter.name) ?? reason));
    const change = { suggestions, moves: moves.map(({ name }) => name), baseline: [] };
    adaptation.phase = { phase: 'measuring', change };
    sink.changed(adaptation);
  }

  #ask(adaptation: Adaptation, change: Change, now: number, sink: PlannerSink): void {
    const sent: Sent = { adaptationId: sink.newId(), sentAt: now, sends: 0 };
    this.#send(adaptation, { phase: 'asking', change, sent }, change.suggestions, now, sink);
  }

  #judge(
    adaptation: Adaptation,
    change: Change,
    adaptationId: string,
    scores: readonly number[],
    now: number,
    sink: PlannerSink,
  ): void {
    const result = judgeTrial(change.baseline, scores, this.#options.trial);
    if (result.decision === 'undecided') return;
    const keep = this.#keeps(result);
    const end = keep ? 'kept' : 'rolled-back';
    this.#end(adaptation, change, adaptationId, scores, end, result, now, sink);
    if (keep) {
      adaptation.values = { ...adaptation.values, ...suggestedValues(change.suggestions) };
      adaptation.spent = change.moves.map(opposite);
      this.#enter(adaptation, WATCHING, now, sink);
      return;
    }
    adaptation.spent = [...new Set([...adaptation.spent, ...change.moves])];
    const why =
      result.decision === 'hurt' ? 'the change made scores worse' : 'the change did not show that it helps';
    this.#return(adaptation, suggestedValues(change.suggestions), why, now, sink);
  }

  #keeps({ decision, comparison }: TrialResult): boolean {
    if (decision === 'in-doubt' && this.#options.inDoubt === 'keep-better')
      return (comparison?.difference ?? 0) > 0;
    return decision === 'helped';
  }

  #end(
    adaptation: Adaptation,
    change: Change,
    adaptationId: string,
    scores: readonly number[],
    end: AdaptationEnd,
    result: TrialResult | null,
    now: number,
    sink: PlannerSink,
  ): void {
    const { agentId, kind } = adaptation;
    if (end === 'kept' || end === 'rolled-back') {
      for (const move of change.moves) this.#tallies.count(kind, move, end === 'kept');
    } else if (end === 'refused') {
      adaptation.spent = [...new Set([...adaptation.spent, ...change.moves])];
    }
    sink.ended({
      adaptationId,
      agentId,
      kind,
      suggestions: change.suggestions,
      end,
      before: meanOf(change.baseline),
      after: meanOf(scores),
      outcomes: scores.length,
      comparison: result?.comparison ?? null,
      endedAt: now,
    });
  }

  /** Tells the agent to use its proper values again where it has these others. */
  #return(
    adaptation: Adaptation,
    others: Readonly<Record<string, Scalar>>,
    reason: string,
    now: number,
    sink: PlannerSink,
  ): void {
    if ('sent' in adaptation.phase) this.#byCommand.delete(adaptation.phase.sent.adaptationId);
    const suggestions: Suggestion[] = [];
    for (const parameter of this.#parameters(adaptation.kind)) {
      const current = others[parameter.name];
      const suggested = valueOf(adaptation.values, parameter);
      if (current === undefined || current === suggested) continue;
      suggestions.push({ parameter: parameter.name, current, suggested, reason });
    }
    if (suggestions.length === 0) {
      this.#enter(adaptation, WATCHING, now, sink);
      return;
    }
    const sent: Sent = { adaptationId: sink.newId(), sentAt: now, sends: 0 };
    this.#send(adaptation, { phase: 'returning', suggestions, sent }, suggestions, now, sink);
  }

  #send(
    adaptation: Adaptation,
    phase: Extract<Phase, { sent: Sent }>,
    suggestions: readonly Suggestion[],
    now: number,
    sink: PlannerSink,
  ): void {
    const { adaptationId, sends } = phase.sent;
    adaptation.phase = { ...phase, sent: { adaptationId, sentAt: now, sends: sends + 1 } };
    this.#byCommand.set(adaptationId, adaptation);
    // durable before it is said
    sink.changed(adaptation);
    sink.command(adaptation, adaptationId, suggestions);
  }

  #answered(agentId: string, adaptationId: string): Adaptation | null {
    const adaptation = this.#byCommand.get(adaptationId);
    if (adaptation?.agentId !== agentId) return null;
    this.#byCommand.delete(adaptationId);
    return adaptation;
  }

  #enter(adaptation: Adaptation, phase: Phase, now: number, sink: PlannerSink): void {
    adaptation.phase = phase;
    adaptation.since = now;
    sink.changed(adaptation);
  }

  #initialValues({ kind }: Adaptation): Readonly<Record<string, Scalar>> {
    return Object.fromEntries(this.#parameters(kind).map(({ name, initial }) => [name, initial]));
  }

  #parameters(kind: string): readonly AdaptableParameter[] {
    const { parameters } = this.#options;
    return Object.hasOwn(parameters, kind) ? (parameters[kind] ?? []) : [];
  }

  #track(agentId: string, kind: string): Adaptation {
    const key = pairKey(agentId, kind);
    let adaptation = this.#tracked.get(key);
    if (adaptation !== undefined) return adaptation;
    if (this.#tracked.size >= this.#options.maxTracked) this.#forgetOne();
    const moves = 2 * Math.max(1, this.#parameters(kind).length);
    const offset = Math.floor(this.#random.fraction() * moves);
    adaptation = { agentId, kind, phase: WATCHING, values: {}, spent: [], since: 0, offset };
    this.#tracked.set(key, adaptation);
    return adaptation;
  }

  /** The one tracked longest that is being watched only, or any. */
  #forgetOne(): void {
    let victim: [string, Adaptation] | null = null;
    for (const entry of this.#tracked) {
      victim ??= entry;
      if (entry[1].phase.phase !== 'watching' || Object.keys(entry[1].values).length > 0) continue;
      victim = entry;
      break;
    }
    if (victim === null) return;
    this.#tracked.delete(victim[0]);
    if ('sent' in victim[1].phase) this.#byCommand.delete(victim[1].phase.sent.adaptationId);
  }
}

const WATCHING: Phase = { phase: 'watching', recent: [] };

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
