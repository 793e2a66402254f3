import t from 'tap';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { featureEngineering } from '../../../src/tasks/feature-engineering/handler.js';
import { featureEngineeringKind } from '../../../src/tasks/feature-engineering/kind.js';
import { testContext } from '../context.js';
import { seededCandles } from './run.js';

const input = {
  ohlcv: { close: [1, 2, 4, 8] },
  features: [{ name: 'sma', period: 2 }, { name: 'simple-return' }, { name: 'rsi', period: 2 }],
};
const columns = {
  sma_2: Float64Array.of(NaN, 1.5, 3, 6),
  simple_return_1: Float64Array.of(NaN, 1, 1, 1),
  rsi_2: Float64Array.of(NaN, NaN, 100, 100),
};

void t.test('runs an input as JSON brings it, or in wire form', (t) => {
  const result = featureEngineering(input, testContext().context);
  t.same(result, { rows: 4, columns });
  t.same(Object.keys(result.columns), Object.keys(columns), 'in the order of the features');
  t.same(featureEngineering(featureEngineeringKind.parseInput(input), testContext().context), {
    rows: 4,
    columns,
  });
  t.same(decodeValue(encodeValue(result)), { rows: 4, columns }, 'and the wire keeps it');
  t.end();
});

void t.test('leaves its input as it was', (t) => {
  const ohlcv = { ...seededCandles(100), time: Float64Array.from({ length: 100 }, (_, i) => i * 3_600_000) };
  const before = structuredClone(ohlcv);
  const names = [
    'rsi',
    'atr',
    'adx',
    'macd',
    'stochastic',
    'bollinger',
    'ema',
    'sma',
    'obv',
    'drawdown',
    'calendar',
  ];
  const result = featureEngineering(
    { ohlcv, features: names.map((name) => ({ name })) },
    testContext().context,
  );
  t.same(ohlcv, before);
  const buffers = new Set(Object.values(ohlcv).map((column) => column.buffer));
  t.notOk(
    Object.values(result.columns).some((column) => buffers.has(column.buffer)),
    'the result is no part of it',
  );
  t.end();
});

void t.test('where a formula is 0 / 0 there is no value', (t) => {
  // Without the last row no feature that divides by movement would be accepted.
  const flat = Float64Array.from({ length: 13 }, (_, row) => (row < 12 ? 7 : 8));
  const result = featureEngineering(
    {
      ohlcv: { high: flat, low: flat, close: flat },
      features: [
        { name: 'rsi', period: 3 },
        { name: 'z-score', period: 3 },
        { name: 'stochastic', period: 3, signal: 2 },
        { name: 'adx', period: 3 },
        { name: 'bollinger', period: 3 },
      ],
    },
    testContext().context,
  );
  const beforeIt = Object.fromEntries(
    Object.entries(result.columns).map(([name, column]) => [name, column.at(-2)]),
  );
  t.same(beforeIt, {
    rsi_3: NaN,
    z_score_3: NaN,
    stochastic_3_1_2_k: NaN,
    stochastic_3_1_2_d: NaN,
    adx_3: 0,
    adx_3_plus_di: NaN,
    adx_3_minus_di: NaN,
    bollinger_3_2_upper: 7,
    bollinger_3_2_middle: 7,
    bollinger_3_2_lower: 7,
  });
  t.end();
});

void t.test('a stochastic recovers from a stretch without range', (t) => {
  const close = Float64Array.of(1, 2, 3, 3, 3, 4, 5, 6, 7);
  const result = featureEngineering(
    { ohlcv: { high: close, low: close, close }, features: [{ name: 'stochastic', period: 2, signal: 2 }] },
    testContext().context,
  );
  t.same(result.columns['stochastic_2_1_2_k'], Float64Array.of(NaN, 100, 100, NaN, NaN, 100, 100, 100, 100));
  t.same(result.columns['stochastic_2_1_2_d'], Float64Array.of(NaN, NaN, 100, NaN, NaN, NaN, 100, 100, 100));
  t.end();
});

void t.test('a bad input is named', (t) => {
  t.throws(() => featureEngineering({ ...input, features: [{ name: 'rsi' }] }, testContext().context), {
    name: 'TaskInputError',
    path: 'features[0].period',
  });
  t.end();
});

void t.test('reports progress after each feature, and ends with the reason of the abort', (t) => {
  const { context, fractions } = testContext();
  featureEngineering(input, context);
  t.same(fractions, [1 / 3, 2 / 3, 1]);

  const other = testContext();
  const aborting = {
    ...other.context,
    progress: (fraction: number) => {
      other.context.progress(fraction);
      other.controller.abort(new Error('no longer wanted'));
    },
  };
  t.throws(() => featureEngineering(input, aborting), { message: 'no longer wanted' });
  t.equal(other.fractions.length, 1);
  t.end();
});

void t.test('the kind', (t) => {
  t.match(featureEngineeringKind, { name: 'feature-engineering', agentTypes: ['feature'] });
  t.equal(featureEngineeringKind.placement(input), 'worker');
  t.end();
});
