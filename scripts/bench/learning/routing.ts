import {
  leastLoaded,
  type RoutableAgent,
  type RoutingPolicy,
} from '../../../src/coordinator/core/tasks/routing.js';
import { ReasoningBank } from '../../../src/reasoning/bank.js';
import { SeededRandom } from '../../../src/numeric/random.js';
import { learnedRouting } from '../../../src/reasoning/routing.js';
import { percentile } from '../lib/statistics.js';
import { meanOf, reductionEstimate } from './estimates.js';
import type { Plan } from './options.js';
import { POLICIES, type PolicyName, type PolicyResult, type RoutingResult } from './results.js';
import { type AgentNature, fates, type Finished, KIND, natures, play } from './swarm.js';

/** A task is worth a share for the right answer and one for its speed; a latency of this much is worth half of the latter. */
const QUALITY_SHARE = 0.7;
const HALF_SPEED_MS = 50;

interface SwarmRun {
  readonly outcome: number;
  readonly p95Ms: number;
  /** Mean worth of a task. */
  readonly worth: number;
}

/** Learned routing against others on the same swarms, tasks and luck. */
export function measureRouting(seed: number, { swarms, tasks }: Plan): RoutingResult {
  const runs = new Map<PolicyName, SwarmRun[]>(POLICIES.map((name) => [name, []]));
  for (let swarm = 0; swarm < swarms; swarm++) {
    const random = new SeededRandom(seed * 1_000 + swarm);
    const agents = natures(random);
    const luck = fates(random, tasks);
    for (const name of POLICIES) {
      const { policy, learn } = policyOf(name, agents, seed * 1_000 + swarm);
      runs.get(name)?.push(summary(play(agents, luck, policy, learn)));
    }
  }
  const worths = (name: PolicyName) => (runs.get(name) ?? []).map(({ worth }) => worth);
  const regrets = (name: PolicyName) => {
    const own = worths(name);
    return worths('oracle').map((best, swarm) => best - (own[swarm] ?? 0));
  };
  const result = (name: PolicyName): PolicyResult => {
    const own = runs.get(name) ?? [];
    return {
      outcome: meanOf(own.map(({ outcome }) => outcome)),
      p95Ms: meanOf(own.map(({ p95Ms }) => p95Ms)),
      regret: meanOf(regrets(name)),
    };
  };
  return {
    swarms,
    tasks,
    policies: {
      learned: result('learned'),
      'learned-ucb': result('learned-ucb'),
      'least-loaded': result('least-loaded'),
      'round-robin': result('round-robin'),
      oracle: result('oracle'),
    },
    reduction: {
      leastLoaded: reductionEstimate(regrets('learned'), regrets('least-loaded')),
      roundRobin: reductionEstimate(regrets('learned'), regrets('round-robin')),
    },
    choiceMicroseconds: timeOfChoice(seed),
  };
}

function summary(finished: readonly Finished[]): SwarmRun {
  const latencies = finished.map(({ latencyMs }) => latencyMs);
  return {
    outcome: meanOf(finished.map(({ right }) => (right ? 1 : 0))),
    p95Ms: percentile(latencies, 0.95),
    worth: meanOf(finished.map(({ right, latencyMs }) => worthOf(right ? 1 : 0, latencyMs))),
  };
}

function worthOf(correct: number, latencyMs: number): number {
  return QUALITY_SHARE * correct + (1 - QUALITY_SHARE) / (1 + latencyMs / HALF_SPEED_MS);
}

interface Contender {
  readonly policy: RoutingPolicy;
  readonly learn: (finished: Finished) => void;
}

const NOTHING = () => undefined;

function policyOf(name: PolicyName, agents: readonly AgentNature[], seed: number): Contender {
  switch (name) {
    case 'learned':
      return learner(seed, 'thompson');
    case 'learned-ucb':
      return learner(seed, 'ucb');
    case 'least-loaded':
      return { policy: leastLoaded, learn: NOTHING };
    case 'round-robin':
      return { policy: roundRobin(agents), learn: NOTHING };
    case 'oracle':
      return { policy: oracle(agents), learn: NOTHING };
  }
}

function learner(seed: number, strategy: 'thompson' | 'ucb'): Contender {
  let ids = 0;
  const ports = { random: new SeededRandom(seed), newId: () => String(ids++) };
  const bank = new ReasoningBank({}, ports, 0);
  return {
    policy: learnedRouting({ performance: bank.performance, seed, strategy, qualityShare: QUALITY_SHARE }),
    learn: ({ task, agentId, startedAt, finishedAt, right }) => {
      bank.handle(
        {
          type: 'taskCompleted',
          taskId: String(task),
          agentId,
          kind: KIND,
          context: {},
          startedAt,
          latencyMs: finishedAt - startedAt,
          confidence: null,
          outcome: { value: right ? 1 : -1 },
        },
        finishedAt,
      );
    },
  };
}

function roundRobin(agents: readonly AgentNature[]): RoutingPolicy {
  let next = 0;
  return {
    name: 'round-robin',
    choose(_task, candidates) {
      for (let i = 0; i < agents.length; i++) {
        const agent = agents[next++ % agents.length];
        const found = agent === undefined ? null : candidates.find(agent.agentId);
        if (found !== null) return found;
      }
      return null;
    },
  };
}

/** Knows what the agents are like: takes the candidate whose answer is worth most in expectation, ties to the less loaded. */
function oracle(agents: readonly AgentNature[]): RoutingPolicy {
  const worth = new Map(
    agents.map(({ agentId, accuracy, medianMs }) => [agentId, worthOf(accuracy, medianMs)]),
  );
  return {
    name: 'oracle',
    choose(_task, candidates) {
      let best: RoutableAgent | null = null;
      for (const agent of candidates.take(agents.length)) {
        if (best === null || (worth.get(agent.agentId) ?? 0) > (worth.get(best.agentId) ?? 0)) best = agent;
      }
      return best;
    },
  };
}

const CHOICES = 200_000;

/** Median over five rounds. */
function timeOfChoice(seed: number): number {
  const agents = natures(new SeededRandom(seed));
  const { policy, learn } = learner(seed, 'thompson');
  play(agents, fates(new SeededRandom(seed), 500), policy, learn);
  const taken = agents.map(({ agentId }) => ({ agentId, credit: 4, used: 0, load: 0 }));
  const candidates = { first: () => taken[0] ?? null, find: () => null, take: () => taken };
  const task = {
    taskId: '',
    kind: KIND,
    priority: 5,
    timeoutMs: 1,
    maxAttempts: 1,
    idempotencyKey: null,
    keyHeldUntil: null,
    affinity: null,
    submittedAt: 0,
  };
  const rounds = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    for (let i = 0; i < CHOICES; i++) policy.choose(task, candidates);
    return ((performance.now() - startedAt) * 1_000) / CHOICES;
  });
  return percentile(rounds, 0.5);
}
