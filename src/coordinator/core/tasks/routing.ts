import type { TaskSpec } from '../../../store/records.js';

/** What a routing policy sees of an agent. */
export interface RoutableAgent {
  readonly agentId: string;
  /** Tasks it takes at once. */
  readonly credit: number;
  /** Of these, taken. Always smaller than `credit` for a candidate. */
  readonly used: number;
  /** Processor load as the agent says, 0 to 1. */
  readonly load: number;
}

/** The agents that take the task's kind and have credit left. */
export interface Candidates {
  /** The least loaded; among equals the one that waited longest. O(1). Null when there is none. */
  first(): RoutableAgent | null;
  /** The agent of that id if it is a candidate, else null. O(1). */
  find(agentId: string): RoutableAgent | null;
  /** Up to `limit` candidates, least loaded first. O(limit). */
  take(limit: number): readonly RoutableAgent[];
}

/**
 * Chooses the agent for a task. Pure: the same inputs give the same choice. Called once for each dispatch, so it should
 * look at a bounded number of candidates. Null (or an agent that is no candidate) leaves the choice to `first()`.
 */
export interface RoutingPolicy {
  readonly name: string;
  choose(task: TaskSpec, candidates: Candidates): RoutableAgent | null;
}

export const leastLoaded: RoutingPolicy = {
  name: 'least-loaded',
  choose: (_task, candidates) => candidates.first(),
};
