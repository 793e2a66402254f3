import { cutText } from '../protocol/errors.js';

/** A setting or measurement. */
export type Scalar = number | string | boolean | null;

/** Circumstances by name. */
export type Context = Readonly<Record<string, Scalar>>;

/**
 * Who saw what happened. `task`: the coordinator saw a task completed; `forecast`: a forecast was compared with what came;
 * `failure`: a task's attempt failed; `agent`: the agent's own account, which nobody has checked.
 */
export type ExperienceSource = 'task' | 'forecast' | 'failure' | 'agent';

/** What came of an action. */
export interface Outcome {
  /** What came of it on the scale of the kind, the larger the better; null when only the success is known. */
  readonly value: number | null;
  /** 0 to 1: how sure the agent was; null when it did not say. */
  readonly confidence: number | null;
  /** Milliseconds from being given the work to its result; null when there was no result. */
  readonly latencyMs: number | null;
  readonly success: boolean;
}

/** One action of an agent and its outcome. */
export interface Experience {
  /** The agent's own, or for those made here `task:<taskId>` and `task:<taskId>:<attempt>` (OWN_IDS). */
  readonly experienceId: string;
  readonly source: ExperienceSource;
  readonly agentId: string;
  readonly kind: string;
  readonly action: string;
  readonly taskId: string | null;
  readonly context: Context;
  readonly outcome: Outcome;
  /** When the agent was given the work: what it did follows the parameters of that time. */
  readonly startedAt: number;
  /** When the outcome became known here. */
  readonly recordedAt: number;
}

/** Ids of experiences made here begin with it; no agent may use it. */
export const OWN_IDS = 'task:';
/** Entries of a context that begin with it are not of the context itself. */
export const RESERVED_NAME = '@';
/** Entries of a context; more are dropped, in the order of their names. */
export const MAX_CONTEXT_ENTRIES = 64;
const MAX_NAME = 64;
const MAX_TEXT = 256;

/**
 * A context within bounds: finite numbers, short texts, entries in the order of their names. Names that begin with `@` are
 * reserved, and dropped.
 */
export function boundedContext(context: Readonly<Record<string, unknown>>): Context {
  const bounded: Record<string, Scalar> = {};
  let entries = 0;
  for (const name of Object.keys(context).sort()) {
    if (entries === MAX_CONTEXT_ENTRIES) break;
    const value = context[name];
    if (name.length > MAX_NAME || name.startsWith(RESERVED_NAME) || !isScalar(value)) continue;
    const scalar = typeof value === 'string' ? cutText(value, MAX_TEXT) : value;
    // __proto__ must stay a name
    if (name === '__proto__') Object.defineProperty(bounded, name, { value: scalar, enumerable: true });
    else bounded[name] = scalar;
    entries++;
  }
  return bounded;
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}
