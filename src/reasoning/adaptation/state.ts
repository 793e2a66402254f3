import type { Scalar } from '../experience.js';
import type { Comparison } from '../statistics/welch.js';
import type { Suggestion } from '../verdict.js';

/** A command that the agent has not answered yet. */
export interface Sent {
  readonly adaptationId: string;
  readonly sentAt: number;
  /** How often it has been sent. */
  readonly sends: number;
}

/** A change and how it was measured. */
export interface Change {
  readonly suggestions: readonly Suggestion[];
  /** Names of the moves it makes, such as `window+`. */
  readonly moves: readonly string[];
  /** Scores before it, gathered after it was decided on: those that led to the decision were low by selection. */
  readonly baseline: readonly number[];
}

/**
 * Where the adaptation of an agent at a kind stands. Plain values. Scores only count here when the work began at or after
 * `since`: what began earlier was done with other parameters.
 */
export type Phase =
  /** Nothing is being changed; the latest scores say whether something should be. */
  | { readonly phase: 'watching'; readonly recent: readonly number[] }
  /** No change has helped: so many more outcomes before the next is tried. */
  | { readonly phase: 'resting'; readonly left: number }
  /** A change is decided on; scores before it are gathered. */
  | { readonly phase: 'measuring'; readonly change: Change }
  /** The agent was told of a change. */
  | { readonly phase: 'asking'; readonly change: Change; readonly sent: Sent }
  /** It works with the change. */
  | {
      readonly phase: 'trying';
      readonly change: Change;
      readonly adaptationId: string;
      readonly scores: readonly number[];
      readonly startedAt: number;
    }
  /** The agent was told to use these values again: after a change that did not help, or after it started anew. */
  | { readonly phase: 'returning'; readonly suggestions: readonly Suggestion[]; readonly sent: Sent };

/** Of one agent at one kind. Plain values. */
export interface Adaptation {
  readonly agentId: string;
  readonly kind: string;
  phase: Phase;
  /** Parameters that differ from their initial value, as the agent should have them outside of trials. */
  values: Readonly<Record<string, Scalar>>;
  /** Moves that did not help from these values. */
  spent: readonly string[];
  since: number;
  /** Which move comes first among equals. */
  readonly offset: number;
}

/**
 * `kept`: it helped. `rolled-back`: it hurt, or nothing showed that it helped. `refused`: by the agent. `abandoned`: the agent
 * never answered. `interrupted`: the agent started anew meanwhile.
 */
export type AdaptationEnd = 'kept' | 'rolled-back' | 'refused' | 'abandoned' | 'interrupted';

/** How a change ended, as plain values. */
export interface AdaptationReport {
  readonly adaptationId: string;
  readonly agentId: string;
  readonly kind: string;
  readonly suggestions: readonly Suggestion[];
  readonly end: AdaptationEnd;
  /** Mean scores without and with the change; null without any. */
  readonly before: number | null;
  readonly after: number | null;
  /** Scores with the change. */
  readonly outcomes: number;
  /** Null when it ended before it could be judged. */
  readonly comparison: Comparison | null;
  readonly endedAt: number;
}
