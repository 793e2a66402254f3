import fc from 'fast-check';
import t from 'tap';
import { contextKey } from '../../src/reasoning/context-key.js';
import { boundedContext, MAX_CONTEXT_ENTRIES } from '../../src/reasoning/experience.js';
import type { Cell, CountedOutcome } from '../../src/reasoning/performance/cell.js';
import {
  DEFAULT_PERFORMANCE_LIMITS,
  type Levels,
  OTHER,
  Performance,
} from '../../src/reasoning/performance/performance.js';
import { SeededRandom } from '../../src/numeric/random.js';
import { normal } from './support.js';

function cells({ own, agentKind, agent, kindContext, kind }: Levels): readonly Cell[] {
  return [own, agentKind, agent, kindContext, kind];
}

function outcome(grade: number): CountedOutcome {
  return { value: grade, grade, confidence: 0.5, success: grade > 0.5, observed: true };
}

const happenings = fc.array(
  fc.record({
    agentId: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('k', 'l'),
    context: fc.constantFrom('', 'x=1', 'x=2'),
    latencyMs: fc.double({ min: 0.1, max: 1e5, noNaN: true }),
    grade: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 100 },
);

t.test('each coarser level counts all that its finer levels count', async () => {
  fc.assert(
    fc.property(happenings, (list) => {
      const performance = new Performance();
      for (const { agentId, kind, context, latencyMs, grade } of list) {
        for (const cell of cells(performance.levels(agentId, kind, context))) {
          cell.addDelivery(latencyMs, true);
          cell.addOutcome(outcome(grade));
        }
      }
      const rows = performance.rows();
      return rows.every((row) => {
        const under = list.filter(
          (one) =>
            (row.agentId === null || one.agentId === row.agentId) &&
            (row.kind === null || one.kind === row.kind) &&
            (row.context === null || one.context === row.context),
        );
        const sum = under.reduce((total, { grade }) => total + grade, 0);
        return (
          row.outcomes === under.length &&
          row.delivered === under.length &&
          Math.abs((row.outcome?.mean ?? 0) - sum / under.length) < 1e-9 &&
          (row.grade?.low ?? 0) >= 0 &&
          (row.grade?.high ?? 1) <= 1 &&
          row.successRate?.value === under.filter(({ grade }) => grade > 0.5).length / under.length
        );
      });
    }),
  );
});

t.test('a snapshot holds all of it', async () => {
  fc.assert(
    fc.property(happenings, (list) => {
      const performance = new Performance();
      for (const { agentId, kind, context, latencyMs, grade } of list) {
        for (const cell of cells(performance.levels(agentId, kind, context))) {
          cell.addDelivery(latencyMs, true);
          cell.addOutcome(outcome(grade));
          cell.score.add(grade);
        }
      }
      const plain = performance.plain();
      const restored = new Performance(
        DEFAULT_PERFORMANCE_LIMITS,
        JSON.parse(JSON.stringify(plain)) as typeof plain,
      );
      return (
        JSON.stringify(restored.plain()) === JSON.stringify(plain) &&
        JSON.stringify(restored.rows()) === JSON.stringify(performance.rows())
      );
    }),
    { numRuns: 30 },
  );
});

t.test(
  'memory is bounded: what has no place counts as other, and agents without news are forgotten',
  async (t) => {
    const performance = new Performance({ maxAgents: 3, maxKinds: 2, maxContexts: 2, maxCells: 100 });
    for (let n = 0; n < 10; n++) {
      for (const cell of cells(performance.levels('a', 'k', `x=${n}`))) cell.addFailure();
    }
    t.same(
      performance.rows({ agentId: 'a', kind: 'k' }).map(({ context, failed }) => [context, failed]),
      [
        [null, 10],
        [OTHER, 8],
        ['x=0', 1],
        ['x=1', 1],
      ],
    );
    for (const kind of ['l', 'm', 'n']) performance.levels('a', kind, '');
    t.same(
      performance.plain().kinds.map(({ kind }) => kind),
      ['k', 'l', OTHER],
    );
    for (const agentId of ['b', 'c', 'a', 'd']) performance.levels(agentId, 'k', 'x=0');
    t.same(
      performance.plain().agents.map(({ agentId }) => agentId),
      ['c', 'a', 'd'],
      'b was the one longest without news',
    );
    const few = new Performance({ maxAgents: 10, maxKinds: 10, maxContexts: 10, maxCells: 2 });
    for (let n = 0; n < 5; n++) few.levels('a', 'k', `x=${n}`);
    t.equal(few.rows({ agentId: 'a', kind: 'k' }).length, 4, 'total, two contexts, other');
  },
);

t.test('an agent that is forgotten makes room for its cells', async (t) => {
  const performance = new Performance({ maxAgents: 1, maxKinds: 10, maxContexts: 10, maxCells: 1 });
  for (const agentId of ['a', 'b', 'c']) performance.levels(agentId, 'k', 'x=1');
  t.same(
    performance.rows({ agentId: 'c', kind: 'k' }).map(({ context }) => context),
    [null, 'x=1'],
  );
});

t.test(
  'without a change the trend is within two standard errors 95 % of the time; a change shows',
  async (t) => {
    const random = new SeededRandom(3);
    let inside = 0;
    const rounds = 1_000;
    for (let round = 0; round < rounds; round++) {
      const trend = trendAfter(() => 0.5 + 0.1 * normal(random));
      if (trend !== null && Math.abs(trend.value) < 1.96 * trend.standardError) inside++;
    }
    t.ok(Math.abs(inside / rounds - 0.95) < 0.025, `coverage ${inside / rounds}`);
    const trend = trendAfter((n) => (n < 150 ? 0.7 : 0.4) + 0.1 * normal(random));
    t.ok(trend !== null && trend.value < -3 * trend.standardError, 'falling');
  },
);

function trendAfter(grade: (n: number) => number) {
  const performance = new Performance();
  const { own } = performance.levels('a', 'k', '');
  for (let n = 0; n < 200; n++) own.addOutcome(outcome(grade(n)));
  return performance.rows({ agentId: 'a' }).find(({ context }) => context === '')?.trend ?? null;
}

t.test('contexts become few keys by rule', async (t) => {
  t.equal(contextKey({}), '');
  t.equal(
    contextKey({ points: 700, metric: 'dtw', fast: true, none: null }),
    'fast=true metric=dtw none=null points=2^9',
  );
  t.equal(contextKey({ x: -3, y: 0, z: 0.3 }), 'x=-2^1 y=0 z=2^-2');
  t.equal(contextKey({ b: 1, a: 1 }, ['b', 'missing']), 'b=2^0');
  t.equal(contextKey({ a: 1, b: 1, c: 1, d: 1, e: 1 }), 'a=2^0 b=2^0 c=2^0 d=2^0');
  t.equal(contextKey({ t: 'a b=c\n' + 'x'.repeat(100) }).length, 26);
  t.equal(
    contextKey(boundedContext(JSON.parse('{"__proto__": 1}') as Record<string, unknown>)),
    '__proto__=2^0',
  );
});

t.test('contexts from outside are brought within bounds', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`n${n}`, n]));
  t.equal(Object.keys(boundedContext(many)).length, MAX_CONTEXT_ENTRIES);
  t.same(
    boundedContext({ a: NaN, b: Infinity, c: {}, d: 'x'.repeat(300), '@kind': 'k', ['n'.repeat(65)]: 1 }),
    {
      d: `${'x'.repeat(255)}…`,
    },
  );
});
