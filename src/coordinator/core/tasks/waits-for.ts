import type { WaitsFor } from '../../../protocol/messages.js';
import { storeTakesLeases } from '../commits/store-health.js';
import type { CoreState } from '../state.js';
import type { Task } from './task.js';

/**
 * Why tasks wait, at one moment. One for each report: what holds for all tasks of a kind is worked out once, however
 * many of them there are.
 */
export class WaitReasons {
  readonly #core: CoreState;
  readonly #now: number;
  readonly #ofKind = new Map<string, WaitsFor>();

  constructor(core: CoreState, now: number) {
    this.#core = core;
    this.#now = now;
  }

  /** Null for a task that an agent has, or that has ended. */
  of({ spec, phase }: Task): WaitsFor | null {
    switch (phase.state) {
      case 'delayed':
        return {
          reason: 'delayed',
          detail: `submitted with a delay: not before ${instant(phase.notBefore)}`,
        };
      case 'retrying':
        return {
          reason: 'backoff',
          detail: `an attempt failed (${phase.error.name}): the next one not before ${instant(phase.notBefore)}`,
        };
      case 'blocked':
        return { reason: 'needs', detail: needsDetail(this.#core, spec.needs?.taskIds ?? []) };
      case 'queued': {
        const known = this.#ofKind.get(spec.kind);
        if (known !== undefined) return known;
        const reason = reasonOfKind(this.#core, spec.kind, this.#now);
        this.#ofKind.set(spec.kind, reason);
        return reason;
      }
      default:
        return null;
    }
  }
}

/** What keeps ready tasks of a kind from being given out; the first thing that an operator has to change. */
function reasonOfKind(core: CoreState, kind: string, now: number): WaitsFor {
  if (core.operation.state !== 'running') {
    return { reason: 'draining', detail: 'the coordinator drains: it goes on after the next start' };
  }
  if (!storeTakesLeases(core)) {
    const why = core.store.state === 'down' ? `: ${core.store.reason}` : '';
    return { reason: 'store-down', detail: `the store takes no changes now${why}`.slice(0, 1024) };
  }
  if (core.pausedKinds.has(kind)) {
    return { reason: 'paused', detail: `kind '${kind}' is paused: resume ${kind} lets it go on` };
  }
  const { agents, credit } = core.scheduler.availableFor(kind);
  if (agents === 0) {
    const detail = core.scheduler.isOffered(kind)
      ? `no agent that takes '${kind}' is connected and ready now`
      : `no agent takes '${kind}': start one of a type that does`;
    return { reason: 'no-agent', detail };
  }
  const startableAt = core.limits.startableAt(kind);
  if (startableAt === Infinity) {
    const limit = core.options.kindLimits.get(kind)?.concurrency ?? 0;
    return { reason: 'kind-concurrency', detail: `${limit} of '${kind}' run, which is its limit` };
  }
  if (startableAt > now) {
    return {
      reason: 'rate-limited',
      detail: `the rate of '${kind}' is used up: the next one starts at ${instant(startableAt)}`,
    };
  }
  if (!core.scheduler.hasCapacity(kind)) {
    const places = `${credit} ${credit === 1 ? 'place' : 'places'} of ${agents} ${agents === 1 ? 'agent' : 'agents'}`;
    return {
      reason: 'no-credit',
      detail: `the ${places} for '${kind}' ${credit === 1 ? 'is' : 'are'} taken`,
    };
  }
  return { reason: 'next', detail: 'an agent has room: its turn comes next' };
}

/** Tasks that are named, of those that are needed. */
const NAMED = 3;

function needsDetail(core: CoreState, taskIds: readonly string[]): string {
  const open = taskIds.filter((taskId) => {
    const needed = core.tasks.get(taskId);
    return needed !== undefined && needed.phase.state !== 'completed';
  });
  if (open.length === 0) return 'all it needs has completed: it is released in a moment';
  const named = open
    .slice(0, NAMED)
    .map((taskId) => `${taskId} (${core.tasks.get(taskId)?.phase.state ?? 'unknown'})`);
  const more = open.length > NAMED ? ` and ${open.length - NAMED} more` : '';
  return `it needs ${named.join(', ')}${more}`;
}

const instant = (at: number): string => new Date(at).toISOString();
