import fc from 'fast-check';
import t from 'tap';
import type { Candidates, RoutableAgent, RoutingPolicy } from '../../src/coordinator/core/tasks/routing.js';
import { SeededRandom } from '../../src/numeric/random.js';
import { learnedRouting, type LearnedRoutingOptions } from '../../src/reasoning/routing.js';
import type { TaskSpec } from '../../src/store/records.js';
import { aBank, completed } from './support.js';

const TASK: TaskSpec = {
  taskId: '1',
  kind: 'k',
  priority: 5,
  timeoutMs: 1_000,
  maxAttempts: 1,
  idempotencyKey: null,
  keyHeldUntil: null,
  affinity: null,
  submittedAt: 0,
};

/** Candidates in that order, the least loaded first. */
function candidates(...ids: string[]): Candidates & { taken: number } {
  const agents: RoutableAgent[] = ids.map((agentId) => ({ agentId, credit: 1, used: 0, load: 0 }));
  return {
    taken: 0,
    first: () => agents[0] ?? null,
    find: (id) => agents.find(({ agentId }) => agentId === id) ?? null,
    take(limit) {
      this.taken = Math.max(this.taken, limit);
      return agents.slice(0, limit);
    },
  };
}

interface Nature {
  readonly accuracy: number;
  readonly latencyMs: number;
}

/** Plays tasks one by one, each to the agent chosen; returns how often each was. */
function learn(
  natures: Readonly<Record<string, Nature>>,
  tasks: number,
  options: Partial<LearnedRoutingOptions> = {},
) {
  const bank = aBank();
  const policy: RoutingPolicy = learnedRouting({ performance: bank.performance, seed: 5, ...options });
  const random = new SeededRandom(99);
  const chosen: string[] = [];
  for (let n = 0; n < tasks; n++) {
    const agentId = policy.choose(TASK, candidates(...Object.keys(natures)))?.agentId ?? '';
    chosen.push(agentId);
    const { accuracy, latencyMs } = natures[agentId] ?? { accuracy: 0, latencyMs: 1 };
    const value = random.fraction() < accuracy ? 1 : -1;
    bank.handle(completed(String(n), { agentId, latencyMs, outcome: { value } }), n);
  }
  const share = (id: string, from = 0) =>
    chosen.slice(from).filter((agentId) => agentId === id).length / (tasks - from);
  return { chosen, share, bank, policy };
}

t.test('while nothing is known the least loaded agent is chosen', async (t) => {
  const policy = learnedRouting({ performance: aBank().performance, seed: 1 });
  t.equal(policy.choose(TASK, candidates('b', 'a'))?.agentId, 'b');
  t.equal(policy.choose(TASK, candidates()), null);
});

for (const strategy of ['thompson', 'ucb'] as const) {
  t.test(`${strategy}: the agent with the better answers gets the most tasks`, async (t) => {
    const natures = { poor: { accuracy: 0.4, latencyMs: 10 }, good: { accuracy: 0.9, latencyMs: 10 } };
    const { share } = learn(natures, 600, { strategy });
    t.ok(share('good', 100) > 0.9, `share ${share('good', 100)}`);
  });

  t.test(`${strategy}: of agents that answer alike the faster one gets the most tasks`, async (t) => {
    const natures = { slow: { accuracy: 0.8, latencyMs: 100 }, fast: { accuracy: 0.8, latencyMs: 10 } };
    const { share } = learn(natures, 600, { strategy });
    t.ok(share('fast', 100) > 0.8, `share ${share('fast', 100)}`);
  });
}

t.test('exploration decays, and does not end', async (t) => {
  const natures = { a: { accuracy: 0.6, latencyMs: 10 }, b: { accuracy: 0.75, latencyMs: 10 } };
  const { share, chosen } = learn(natures, 6_000);
  t.ok(share('a') - share('a', 3_000) > 0, 'less later than at first');
  t.ok(chosen.slice(3_000).includes('a'));
});

t.test('an agent that became better is found again', async (t) => {
  const natures: Record<string, Nature> = {
    a: { accuracy: 0.3, latencyMs: 10 },
    b: { accuracy: 0.6, latencyMs: 10 },
  };
  const { bank, policy } = learn(natures, 500);
  let ofA = 0;
  const random = new SeededRandom(4);
  for (let n = 500; n < 6_500; n++) {
    const agentId = policy.choose(TASK, candidates('a', 'b'))?.agentId ?? '';
    const value = random.fraction() < (agentId === 'a' ? 0.95 : 0.6) ? 1 : -1;
    bank.handle(completed(String(n), { agentId, outcome: { value } }), n);
    if (n >= 5_500 && agentId === 'a') ofA++;
  }
  t.ok(ofA > 900, `${ofA} of the last 1000`);
});

t.test('the same seed and events give the same choices; another seed others', async (t) => {
  const natures = {
    a: { accuracy: 0.6, latencyMs: 10 },
    b: { accuracy: 0.7, latencyMs: 15 },
    c: { accuracy: 0.5, latencyMs: 5 },
  };
  t.same(learn(natures, 300).chosen, learn(natures, 300).chosen);
  t.strictNotSame(learn(natures, 300).chosen, learn(natures, 300, { seed: 6 }).chosen);
});

t.test('a bounded number of candidates is looked at, and one of them is chosen', async (t) => {
  const { bank } = learn({ a: { accuracy: 1, latencyMs: 1 } }, 5);
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 40 }),
      (seed, maxCandidates, count) => {
        const policy = learnedRouting({ performance: bank.performance, seed, maxCandidates });
        const among = candidates(...Array.from({ length: count }, (_, n) => `agent-${n}`));
        const chosen = policy.choose(TASK, among);
        const place = Number(chosen?.agentId.slice('agent-'.length));
        return among.taken <= maxCandidates && place < Math.min(count, maxCandidates);
      },
    ),
  );
  t.throws(() => learnedRouting({ performance: bank.performance, seed: 1, maxCandidates: 0 }), RangeError);
  t.throws(() => learnedRouting({ performance: bank.performance, seed: 1, qualityShare: 1.5 }), RangeError);
});

t.test('an agent cannot praise itself into more work', async (t) => {
  const { bank, policy } = learn(
    { a: { accuracy: 0.8, latencyMs: 10 }, b: { accuracy: 0.3, latencyMs: 10 } },
    300,
  );
  for (let n = 0; n < 500; n++) {
    bank.handle(
      {
        type: 'experienceReported',
        kind: 'k',
        experience: {
          experienceId: `praise-${n}`,
          agentId: 'b',
          action: 'shone',
          context: {},
          outcome: { value: 1, confidence: 1, latencyMs: 0 },
          recordedAt: 0,
        },
      },
      n,
    );
  }
  let ofB = 0;
  for (let n = 0; n < 300; n++) if (policy.choose(TASK, candidates('a', 'b'))?.agentId === 'b') ofB++;
  t.ok(ofB < 30, `${ofB} of 300`);
});
