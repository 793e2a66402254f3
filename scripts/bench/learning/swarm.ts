import type { RoutingPolicy } from '../../../src/coordinator/core/tasks/routing.js';
import { type AgentSlot, Scheduler } from '../../../src/coordinator/core/tasks/scheduler.js';
import type { SeededRandom } from '../../../src/numeric/random.js';
import type { TaskSpec } from '../../../src/store/records.js';

/** What an agent is like; no policy is told. */
export interface AgentNature {
  readonly agentId: string;
  /** Of its time for a task, which is lognormal. */
  readonly medianMs: number;
  /** Probability of a right answer. */
  readonly accuracy: number;
}

export const KIND = 'pattern-match';
/** Tasks an agent takes at once. */
const CREDIT = 4;
/** Standard deviation of the logarithm of the time for a task. */
const SPREAD = 0.4;
/** Between submits. With it about half of what all agents could do together is asked for, and two thirds of what the four fast ones could. */
const MEAN_GAP_MS = 4;
const FAST_MS = 40;
const SLOW_MS = 160;

/** Six agents, in random order so that no place in a list tells anything: two slow, one fast but often wrong. */
export function natures(random: SeededRandom): readonly AgentNature[] {
  const kinds = [
    { medianMs: SLOW_MS, accuracy: 0.9 },
    { medianMs: SLOW_MS, accuracy: 0.9 },
    { medianMs: FAST_MS, accuracy: 0.4 },
    { medianMs: FAST_MS, accuracy: 0.9 },
    { medianMs: FAST_MS, accuracy: 0.9 },
    { medianMs: FAST_MS, accuracy: 0.9 },
  ];
  for (let i = kinds.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    const [a, b] = [kinds[i], kinds[j]];
    if (a !== undefined && b !== undefined) [kinds[i], kinds[j]] = [b, a];
  }
  return kinds.map((nature, i) => ({ agentId: `agent-${i + 1}`, ...nature }));
}

/** What would happen to a task, whoever gets it: drawn beforehand, so that all policies have the same luck. */
interface Fate {
  readonly submittedAt: number;
  readonly timeFactor: number;
  readonly luck: number;
}

export function fates(random: SeededRandom, tasks: number): readonly Fate[] {
  let now = 0;
  return Array.from({ length: tasks }, () => {
    now += -MEAN_GAP_MS * Math.log(1 - random.fraction());
    const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
    const normal = radius * Math.cos(2 * Math.PI * random.fraction());
    return { submittedAt: now, timeFactor: Math.exp(SPREAD * normal), luck: random.fraction() };
  });
}

export interface Finished {
  readonly task: number;
  readonly agentId: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly right: boolean;
  /** Waiting included. */
  readonly latencyMs: number;
}

/**
 * Plays the tasks through the coordinator's own scheduler: tasks wait in line until an agent has credit, and the policy
 * says which. `learn` hears of each result when it comes. Returns them in the order of the tasks.
 */
export function play(
  agents: readonly AgentNature[],
  tasks: readonly Fate[],
  policy: RoutingPolicy,
  learn: (finished: Finished) => void,
): readonly Finished[] {
  const scheduler = new Scheduler(policy);
  const slots = new Map<string, { slot: AgentSlot; nature: AgentNature }>();
  for (const nature of agents) {
    const slot = scheduler.add(nature.agentId, [KIND], CREDIT);
    scheduler.setAvailable(slot, true);
    slots.set(nature.agentId, { slot, nature });
  }
  const running: Finished[] = [];
  const finished: Finished[] = [];
  let submitted = 0;
  let dispatched = 0;

  const dispatch = (now: number) => {
    while (dispatched < submitted) {
      const fate = tasks[dispatched];
      const chosen = scheduler.pick(spec(dispatched));
      const agent = chosen === null ? undefined : slots.get(chosen.agentId);
      if (fate === undefined || agent === undefined) return;
      scheduler.occupy(agent.slot);
      const finishedAt = now + agent.nature.medianMs * fate.timeFactor;
      insert(running, {
        task: dispatched,
        agentId: agent.nature.agentId,
        startedAt: now,
        finishedAt,
        right: fate.luck < agent.nature.accuracy,
        latencyMs: finishedAt - fate.submittedAt,
      });
      dispatched++;
    }
  };

  while (finished.length < tasks.length) {
    const nextSubmit = tasks[submitted]?.submittedAt ?? Infinity;
    const done = running[0];
    if (done !== undefined && done.finishedAt <= nextSubmit) {
      running.shift();
      finished.push(done);
      const agent = slots.get(done.agentId);
      if (agent !== undefined) scheduler.release(agent.slot);
      learn(done);
      dispatch(done.finishedAt);
    } else {
      submitted++;
      dispatch(nextSubmit);
    }
  }
  return finished.sort((a, b) => a.task - b.task);
}

/** Keeps the earliest end first; at most all agents' credit is running. */
function insert(running: Finished[], task: Finished): void {
  const at = running.findIndex(({ finishedAt }) => finishedAt > task.finishedAt);
  running.splice(at === -1 ? running.length : at, 0, task);
}

function spec(task: number): TaskSpec {
  return {
    taskId: String(task),
    kind: KIND,
    priority: 5,
    timeoutMs: 60_000,
    maxAttempts: 1,
    idempotencyKey: null,
    keyHeldUntil: null,
    affinity: null,
    submittedAt: 0,
  };
}
