import t from 'tap';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { strategyCorrelation } from '../../../src/tasks/strategy-correlation/handler.js';
import { strategyCorrelationKind } from '../../../src/tasks/strategy-correlation/kind.js';
import { testContext } from '../context.js';
import { normals } from './reference.js';

const small = {
  strategyIds: ['a', 'b', 'c'],
  strategies: [
    [1, 2, 3, 4, 6],
    [2, 4, 6, 8, 11],
    [5, null, 3, 1, 2],
  ],
  methods: ['pearson', 'spearman', 'kendall', 'lcs'],
  window: 4,
  maxLag: 1,
  lagFunctions: true,
  clusters: { k: 2 },
  subset: 2,
};

const next = normals(1);
const long = {
  strategyIds: Array.from({ length: 40 }, (_, index) => `s${index}`),
  strategies: Array.from({ length: 40 }, () => Float64Array.from({ length: 1500 }, next)),
  methods: ['pearson', 'kendall', 'lcs'],
};

void t.test('runs an input as JSON brings it, or in wire form, and its result travels', (t) => {
  const { computeTimeMs, ...found } = strategyCorrelation(small, testContext().context);
  t.ok(computeTimeMs >= 0);
  t.same(Object.keys(found), [
    'strategyIds',
    'methods',
    'points',
    'observations',
    'matrix',
    'pValues',
    'rolling',
    'leadLag',
    'clusters',
    'subset',
  ]);
  const parsed = strategyCorrelationKind.parseInput(small);
  t.match(strategyCorrelation(parsed, testContext().context), found);
  t.match(strategyCorrelation(decodeValue(encodeValue(parsed)), testContext().context), found);
  t.same(decodeValue(encodeValue(found)), found);
  t.end();
});

void t.test('a bad input is named', (t) => {
  t.throws(() => strategyCorrelation({ ...small, subset: 4 }, testContext().context), {
    name: 'TaskInputError',
    path: 'subset',
  });
  t.end();
});

void t.test('reports rising progress in steps of a hundredth', (t) => {
  const { context, fractions } = testContext();
  strategyCorrelation({ ...long, clusters: { k: 3 }, maxLag: 3, window: 100, step: 200, subset: 4 }, context);
  t.ok(fractions.length > 5, `${fractions.length} reports`);
  t.ok(fractions.every((fraction, i) => fraction <= 1 && fraction - (fractions[i - 1] ?? 0) >= 0.01));
  t.end();
});

void t.test('ends with the reason of the abort', (t) => {
  const { context, controller, fractions } = testContext();
  const aborting = {
    ...context,
    progress: (fraction: number) => {
      context.progress(fraction);
      controller.abort(new Error('no longer wanted'));
    },
  };
  t.throws(() => strategyCorrelation(long, aborting), { message: 'no longer wanted' });
  t.equal(fractions.length, 1);
  t.end();
});
