import fc from 'fast-check';
import t from 'tap';
import { TaskInputError } from '../../../src/tasks/kind.js';
import { parseStrategyCorrelationInput as parse } from '../../../src/tasks/strategy-correlation/input.js';
import { near, run } from './reference.js';

const base = {
  strategyIds: ['a', 'b'],
  strategies: [
    [1, 2, 3, 4],
    [4, 3, 2, 1.5],
  ],
};

void t.test('fills in the defaults', (t) => {
  t.same(parse(base), {
    strategyIds: ['a', 'b'],
    strategies: [Float64Array.of(1, 2, 3, 4), Float64Array.of(4, 3, 2, 1.5)],
    methods: ['pearson'],
    transform: 'none',
    missing: 'pairwise',
    constant: 'fail',
    pValues: true,
    lcs: { symbols: 'threshold', threshold: 0, quantiles: 3, permutations: 0, seed: 1 },
    window: null,
    step: 1,
    maxLag: null,
    lagFunctions: false,
    clusters: null,
    subset: null,
  });
  t.same(parse({ ...base, methods: ['lcs', 'kendall'], clusters: { k: 2 }, subset: 2 }), {
    ...parse(base),
    methods: ['lcs', 'kendall'],
    clusters: { method: 'lcs', distance: 'correlation', linkage: 'average', k: 2, threshold: null },
    subset: { k: 2, method: 'lcs', measure: 'absolute' },
  });
  t.end();
});

void t.test('is idempotent, and takes typed arrays as they are', (t) => {
  const full = {
    ...base,
    strategies: [
      [1, null, 3, 4],
      [4, 3, 2, 1],
    ],
    methods: ['pearson', 'lcs'],
    window: 3,
    maxLag: 1,
    lagFunctions: true,
    clusters: { threshold: 0.5, method: 'lcs' },
    subset: { k: 2, measure: 'signed' },
  };
  const once = parse(full);
  const twice = parse(once);
  t.same(twice, once);
  t.equal(twice.strategies[0], once.strategies[0], 'not copied');
  t.same(once.strategies[0], Float64Array.of(1, NaN, 3, 4), 'null is NaN');
  t.same(parse({ ...base, strategies: [Float32Array.of(1, NaN, 3), [1, NaN, 2]] }).strategies, [
    Float64Array.of(1, NaN, 3),
    Float64Array.of(1, NaN, 2),
  ]);
  t.same(parse({ ...base, methods: null, window: null, clusters: null, lcs: null }), parse(base));
  t.end();
});

void t.test('names each fault', (t) => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);
  const rows = (count: number, points: number) => {
    const row = new Float64Array(points);
    return { strategyIds: many(count), strategies: new Array<Float64Array>(count).fill(row) };
  };
  const faults: [string, unknown, string][] = [
    ['not an object', [1, 2], 'input: must be an object'],
    ['nothing', undefined, 'input: must be an object'],
    ['unknown field', { ...base, method: 'pearson' }, 'method: is not a known field; known are strategyIds,'],
    ['no ids', { strategies: base.strategies }, 'strategyIds: must be a list of names'],
    ['empty ids', { ...base, strategyIds: [] }, 'strategyIds: is empty; a correlation takes at least 2'],
    [
      'one strategy',
      { strategyIds: ['a'], strategies: [[1, 2, 3]] },
      'strategyIds: has 1 element; a correlation',
    ],
    ['double id', { ...base, strategyIds: ['a', 'a'] }, "strategyIds[1]: is 'a', as strategyIds[0] is"],
    ['empty id', { ...base, strategyIds: ['a', ''] }, 'strategyIds[1]: must be text of 1 to 128 characters'],
    [
      'number for an id',
      { ...base, strategyIds: ['a', 7] },
      'strategyIds[1]: must be text of 1 to 128 characters; it is 7',
    ],
    ['half a character', { ...base, strategyIds: ['a', '\ud800'] }, 'strategyIds[1]: must be text'],
    [
      'hole in the ids',
      { ...base, strategyIds: new Array<string>(2) },
      'strategyIds[0]: must be text of 1 to 128 characters; it is missing',
    ],
    ['long id', { ...base, strategyIds: ['a', 'b'.repeat(129)] }, 'strategyIds[1]: must be text'],
    ['too many', { ...base, strategyIds: many(2001) }, 'strategyIds: has 2001 elements; at most 2000'],
    [
      'no strategies',
      { strategyIds: ['a', 'b'] },
      'strategies: must be a list of series, each a list of numbers; it is missing',
    ],
    [
      'too few series',
      { ...base, strategies: [[1, 2, 3]] },
      'strategies: has 1 series for 2 strategyIds; give one for each',
    ],
    ['flat', { ...base, strategies: [1, 2] }, 'strategies[0]: must be a list of numbers; it is 1'],
    [
      'hole',
      { ...base, strategies: new Array<number[]>(2) },
      'strategies[0]: must be a list of numbers; it is missing',
    ],
    [
      'bytes',
      { ...base, strategies: [new Uint8Array(3), [1, 2, 3]] },
      'strategies[0]: must be a list of numbers',
    ],
    ['empty series', { ...base, strategies: [[], []] }, 'strategies[0]: is empty; give at least 3 numbers'],
    ['second empty', { ...base, strategies: [[1, 2, 3], []] }, 'strategies[1]: is empty'],
    [
      'ragged',
      {
        ...base,
        strategies: [
          [1, 2, 3],
          [1, 2, 3, 4],
        ],
      },
      'strategies[1]: has 4 points, but strategies[0] has 3',
    ],
    [
      'short',
      {
        ...base,
        strategies: [
          [1, 2],
          [1, 2],
        ],
      },
      'strategies[0]: has 2 points; give at least 3',
    ],
    [
      'short prices',
      {
        ...base,
        strategies: [
          [1, 2, 3],
          [1, 2, 3],
        ],
        transform: 'returns',
      },
      'strategies[0]: has 3 points; give at least 4, as there is one of the returns fewer',
    ],
    [
      'Infinity',
      {
        ...base,
        strategies: [
          [1, 2, 3],
          [1, Infinity, 3],
        ],
      },
      'strategies[1][1]: must be a finite number, or null when it is missing; it is Infinity',
    ],
    [
      'text',
      {
        ...base,
        strategies: [
          [1, 2, '3'],
          [1, 2, 3],
        ],
      },
      "strategies[0][2]: must be a finite number, or null when it is missing; it is '3'",
    ],
    [
      'too large',
      {
        ...base,
        strategies: [
          [1, 2, 1e200],
          [1, 2, 3],
        ],
      },
      'strategies[0][2]: is 1e+200; numbers from -1e+150 to 1e+150',
    ],
    [
      'null refused',
      {
        ...base,
        strategies: [
          [1, null, 3],
          [1, 2, 3],
        ],
        missing: 'fail',
      },
      "strategies[0][1]: must be a finite number, as missing is 'fail'; it is null",
    ],
    [
      'NaN refused',
      { ...base, strategies: [[1, 2, 3], Float64Array.of(1, 2, NaN)], missing: 'fail' },
      'strategies[1][2]: must be a finite number',
    ],
    ['missing', { ...base, missing: 'skip' }, "missing: must be one of 'pairwise', 'listwise', 'fail'"],
    [
      'transform',
      { ...base, transform: 'log' },
      "transform: must be one of 'none', 'returns', 'log-returns'",
    ],
    [
      'price 0',
      {
        ...base,
        strategies: [
          [1, 2, 0, 4],
          [1, 2, 3, 4],
        ],
        transform: 'log-returns',
      },
      'strategies[0][2]: is 0; log-returns need prices above 0',
    ],
    [
      'price below',
      {
        ...base,
        strategies: [
          [1, 2, 3, 4],
          [1, -2, 3, 4],
        ],
        transform: 'returns',
      },
      'strategies[1][1]: is -2; returns need prices above 0',
    ],
    [
      'method',
      { ...base, methods: ['pearson', 'cosine'] },
      "methods[1]: must be one of 'pearson', 'spearman', 'kendall', 'lcs'; it is 'cosine'",
    ],
    ['no methods', { ...base, methods: [] }, 'methods: is empty'],
    ['method alone', { ...base, methods: 'pearson' }, "methods: must be a list of methods; it is 'pearson'"],
    ['double method', { ...base, methods: ['lcs', 'lcs'] }, "methods[1]: is 'lcs' once more"],
    ['pValues', { ...base, pValues: 1 }, 'pValues: must be true or false'],
    ['window', { ...base, window: 5 }, 'window: is 5, larger than the 4 values of each strategy'],
    [
      'window of returns',
      { ...base, transform: 'returns', window: 4 },
      'window: is 4, larger than the 3 values',
    ],
    ['small window', { ...base, window: 2 }, 'window: must be an integer from 3'],
    ['step', { ...base, window: 3, step: 0 }, 'step: must be an integer from 1'],
    ['maxLag', { ...base, maxLag: 2 }, 'maxLag: is 2, too large for 4 values: at most 1 leaves 3 points'],
    ['maxLag below', { ...base, maxLag: -1 }, 'maxLag: must be an integer from 0'],
    ['functions alone', { ...base, lagFunctions: true }, 'lagFunctions: needs maxLag'],
    ['lcs', { ...base, lcs: 3 }, 'lcs: must be an object'],
    ['lcs field', { ...base, lcs: { alphabet: 3 } }, 'lcs.alphabet: is not a known field'],
    ['threshold', { ...base, lcs: { threshold: -1 } }, 'lcs.threshold: must be a number from 0'],
    ['symbols', { ...base, lcs: { symbols: 'sax' } }, "lcs.symbols: must be one of 'threshold', 'quantiles'"],
    ['quantiles', { ...base, lcs: { quantiles: 1 } }, 'lcs.quantiles: must be an integer from 2 to 64'],
    ['quantiles over', { ...base, lcs: { quantiles: 5 } }, 'lcs.quantiles: is 5, more than the 4 values'],
    [
      'permutations',
      { ...base, lcs: { permutations: 1e6 } },
      'lcs.permutations: must be an integer from 0 to 10000',
    ],
    ['seed', { ...base, lcs: { seed: 0.5 } }, 'lcs.seed: must be an integer'],
    ['clusters', { ...base, clusters: {} }, 'clusters: needs k or threshold'],
    [
      'clusters both',
      { ...base, clusters: { k: 2, threshold: 1 } },
      'clusters: cannot have both k and threshold',
    ],
    ['clusters k', { ...base, clusters: { k: 3 } }, 'clusters.k: is 3, but there are 2 strategies'],
    [
      'clusters method',
      { ...base, clusters: { k: 1, method: 'lcs' } },
      "clusters.method: must be one of methods (pearson); it is 'lcs'",
    ],
    [
      'clusters distance',
      { ...base, clusters: { k: 1, distance: 'l1' } },
      'clusters.distance: must be one of',
    ],
    [
      'clusters linkage',
      { ...base, clusters: { k: 1, linkage: 'ward' } },
      'clusters.linkage: must be one of',
    ],
    [
      'clusters threshold',
      { ...base, clusters: { threshold: 3 } },
      'clusters.threshold: must be a number from 0 to 2',
    ],
    ['subset', { ...base, subset: 3 }, 'subset: is 3, but there are 2 strategies'],
    ['subset of one', { ...base, subset: 1 }, 'subset: must be an integer from 2'],
    ['subset k', { ...base, subset: {} }, 'subset.k: must be an integer from 2'],
    ['subset measure', { ...base, subset: { k: 2, measure: 'max' } }, 'subset.measure: must be one of'],
    ['too many points', rows(100, 50_001), 'strategies: has 100 × 50001 points, more than the 5000000'],
    [
      'too large a result',
      { ...rows(1000, 3), methods: ['pearson', 'spearman', 'kendall'] },
      'strategies: the matrices of 1000 strategies bring the result over 6000000 numbers',
    ],
    [
      'too many windows',
      { ...rows(100, 1000), window: 10 },
      'window: the matrices of 991 windows bring the result over',
    ],
    ['too many rows', { ...rows(2, 200_000), window: 10 }, 'window: the matrices of 199991 windows'],
    [
      'too many lags',
      { ...rows(500, 100), maxLag: 97, lagFunctions: true },
      'lagFunctions: the functions of all pairs',
    ],
  ];
  for (const [name, input, message] of faults) {
    t.throws(
      () => parse(input),
      { name: 'TaskInputError', message: new RegExp(`^${escape(message)}`) },
      name,
    );
  }
  t.end();
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

void t.test('anything else is a TaskInputError too, never another error', (t) => {
  const anything = fc.anything({ withTypedArray: true, withSparseArray: true });
  const fields = fc.record(
    {
      strategyIds: fc.oneof(fc.constant(['a', 'b']), anything),
      strategies: fc.oneof(fc.constant(base.strategies), fc.array(fc.array(fc.double())), anything),
      methods: anything,
      lcs: anything,
      window: anything,
      clusters: fc.oneof(anything, fc.record({ k: anything, method: anything })),
      subset: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fields, (input) => {
      try {
        parse(input);
        return true;
      } catch (error) {
        return error instanceof TaskInputError;
      }
    }),
    { numRuns: 500 },
  );
  t.end();
});

void t.test('prices become returns; a missing price leaves both of its returns out', (t) => {
  const prices = [
    [100, 110, 99, null, 120, 132],
    [50, 55, 60, 66, 66, 33],
  ];
  const returns = [
    [0.1, -0.1, null, null, 0.1],
    [0.1, 5 / 55, 0.1, 0, -0.5],
  ];
  const logs = returns.map((row) => row.map((x) => (x === null ? null : Math.log1p(x))));
  for (const [transform, strategies] of [
    ['returns', returns],
    ['log-returns', logs],
  ] as const) {
    const found = run({ strategies: prices, transform, methods: ['pearson', 'lcs'] });
    const direct = run({ strategies, methods: ['pearson', 'lcs'] });
    t.equal(found.observations?.[0]?.[1], 3);
    t.ok(near(found.matrix.pearson?.[0]?.[1], direct.matrix.pearson?.[0]?.[1], 1e-12), transform);
    t.equal(found.matrix.lcs?.[0]?.[1], direct.matrix.lcs?.[0]?.[1]);
  }
  t.end();
});
