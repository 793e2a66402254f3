import fc from 'fast-check';
import t from 'tap';
import { FEATURE_NAMES, MAX_ROWS, planFeature } from '../../../src/tasks/feature-engineering/features.js';
import { parseFeatureEngineeringInput } from '../../../src/tasks/feature-engineering/input.js';
import { TaskInputError } from '../../../src/tasks/kind.js';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { columnsOf, seededCandles } from './run.js';

const close = [10, 11, 12, 11, 10, 9, 10, 11, 12, 13];
const high = close.map((price) => price + 1);
const low = close.map((price) => price - 1);
const volume = close.map(() => 1000);
const ohlcv = { open: close, high, low, close, volume };
const sma = { name: 'sma', period: 3 };
const time = close.map((_, day) => `2024-01-${String(day + 10)}`);

void t.test('fills in the defaults of every feature', (t) => {
  const parsed = parseFeatureEngineeringInput({
    ohlcv: {
      ...Object.fromEntries(Object.entries(seededCandles(50))),
      time: Float64Array.from({ length: 50 }, (_, i) => i),
    },
    features: FEATURE_NAMES.map((name) => ({ name })),
  });
  t.equal(parsed.missing, 'fail');
  t.equal(parsed.checkCandles, true);
  const source = 'close';
  t.same(
    parsed.features,
    [
      { name: 'simple-return', period: 1, source },
      { name: 'log-return', period: 1, source },
      { name: 'rolling-mean', period: 20, of: 'level', source },
      { name: 'volatility', period: 20, of: 'log-return', deviation: 'sample', periodsPerYear: null, source },
      { name: 'z-score', period: 20, of: 'level', deviation: 'population', source },
      { name: 'sma', period: 20, source },
      { name: 'ema', period: 20, seed: 'sma', source },
      { name: 'rsi', period: 14, source },
      { name: 'macd', fast: 12, slow: 26, signal: 9, seed: 'sma', source },
      { name: 'bollinger', period: 20, deviations: 2, deviation: 'population', source },
      { name: 'atr', period: 14, firstRange: 'high-low' },
      { name: 'adx', period: 14 },
      { name: 'stochastic', period: 14, slowing: 1, signal: 3 },
      { name: 'obv' },
      { name: 'drawdown', source },
      {
        name: 'calendar',
        parts: ['day-of-week', 'day-of-month', 'month', 'turn-of-month'],
        encoding: 'number',
      },
    ].map((feature) => ({ ...feature, as: null })),
  );
  t.end();
});

void t.test('is idempotent, and passes the wire', (t) => {
  const input = {
    ohlcv: { ...ohlcv, time },
    features: [
      sma,
      { name: 'calendar', encoding: 'cyclic', period: null },
      { name: 'rsi', period: 2, as: 'strength' },
    ],
    missing: null,
  };
  t.throws(() => parseFeatureEngineeringInput(input), {
    message: /^features\[1\]\.period: is not a parameter of this/,
  });
  const parsed = parseFeatureEngineeringInput({
    ...input,
    features: [sma, { name: 'calendar', encoding: 'cyclic' }],
  });
  t.same(parseFeatureEngineeringInput(parsed), parsed);
  t.equal(
    parseFeatureEngineeringInput(parsed).ohlcv.close,
    parsed.ohlcv.close,
    'typed columns are not copied',
  );
  t.same(parseFeatureEngineeringInput(decodeValue(encodeValue(parsed))), parsed);
  t.same(parsed.ohlcv.time?.[0], Date.UTC(2024, 0, 10));
  t.same(parsed.ohlcv.high, Float64Array.from(high));
  t.end();
});

void t.test('names of columns: the numbers, what is not the default, and the part', (t) => {
  const names = (feature: object) => planFeature(feature, 'features[0]').outputs;
  t.same(names({ name: 'rsi' }), ['rsi_14']);
  t.same(names({ name: 'macd' }), ['macd_12_26_9', 'macd_12_26_9_signal', 'macd_12_26_9_histogram']);
  t.same(names({ name: 'bollinger', deviations: 2.5 }), [
    'bollinger_20_2.5_upper',
    'bollinger_20_2.5_middle',
    'bollinger_20_2.5_lower',
  ]);
  t.same(names({ name: 'atr' }), ['atr_14']);
  t.same(names({ name: 'atr', firstRange: 'none' }), ['atr_14_none']);
  t.same(names({ name: 'adx', period: 7 }), ['adx_7', 'adx_7_plus_di', 'adx_7_minus_di']);
  t.same(names({ name: 'ema', source: 'volume', seed: 'first' }), ['ema_20_first_volume']);
  t.same(names({ name: 'z_score', of: 'log-return', deviation: 'sample' }), ['z_score_20_log_return_sample']);
  t.same(names({ name: 'volatility', periodsPerYear: 252 }), ['volatility_20_252']);
  t.same(names({ name: 'stochastic' }), ['stochastic_14_1_3_k', 'stochastic_14_1_3_d']);
  t.same(names({ name: 'drawdown' }), ['drawdown', 'drawdown_max']);
  t.same(names({ name: 'bollinger', as: 'bb' }), ['bb_upper', 'bb_middle', 'bb_lower']);
  t.same(names({ name: 'calendar', parts: ['hour', 'turn-of-month'], encoding: 'cyclic' }), [
    'calendar_hour_sin',
    'calendar_hour_cos',
    'calendar_turn_of_month',
  ]);
  t.end();
});

void t.test('each feature says which columns it needs, and how many rows', (t) => {
  const needed: [feature: object, column: string][] = [
    [{ name: 'rsi', period: 2 }, 'close'],
    [{ name: 'sma', period: 2, source: 'open' }, 'open'],
    [{ name: 'atr', period: 2 }, 'high'],
    [{ name: 'adx', period: 2 }, 'low'],
    [{ name: 'stochastic', period: 2 }, 'close'],
    [{ name: 'obv' }, 'volume'],
    [{ name: 'calendar' }, 'time'],
  ];
  for (const [feature, column] of needed) {
    const lacking = { ...ohlcv, [column]: null };
    const { name } = feature as { name: string };
    t.throws(
      () =>
        parseFeatureEngineeringInput({
          ohlcv: lacking,
          features: [sma, feature].slice(column === 'close' ? 1 : 0),
        }),
      { message: new RegExp(`^ohlcv.${column}: is missing; features\\[\\d\\] \\(${name}\\) needs it$`) },
    );
  }
  t.ok(
    parseFeatureEngineeringInput({ ohlcv: { close }, features: [{ name: 'rsi', period: 9 }] }),
    'the close is enough',
  );
  t.end();
});

void t.test(
  'a feature that is accepted has a value in each column, and with one row less is refused',
  (t) => {
    const whole = seededCandles(70);
    const times = Float64Array.from({ length: 70 }, (_, row) => row * 86_400_000);
    const all: object[] = [
      ...FEATURE_NAMES.map((name) => ({ name })),
      { name: 'atr', firstRange: 'none' },
      { name: 'rolling-mean', of: 'log-return' },
      { name: 'ema', seed: 'first' },
      { name: 'macd', fast: 2, slow: 3, signal: 5 },
      { name: 'stochastic', slowing: 3 },
      { name: 'log-return', period: 5 },
    ];
    for (const feature of all) {
      const { rows } = planFeature(feature, 'features[0]');
      const first = (count: number) =>
        Object.fromEntries(
          Object.entries({ ...whole, time: times }).map(([name, column]) => [name, column.slice(0, count)]),
        );
      const enough = Math.max(2, rows);
      const columns = Object.values(columnsOf(first(enough), [feature]));
      t.ok(
        columns.every((column) => !Number.isNaN(column.at(-1))),
        `${JSON.stringify(feature)}: ${rows} rows`,
      );
      t.ok(rows <= 2 || columns.some((column) => Number.isNaN(column.at(-2))), 'and not in fewer rows');
      t.throws(() => columnsOf(first(enough - 1), [feature]), { name: 'TaskInputError' });
    }
    t.end();
  },
);

const faults: [name: string, input: unknown, message: string][] = [
  ['not an object', [1], 'input: must be an object with ohlcv, features'],
  ['no input', undefined, 'input: must be an object'],
  [
    'unknown field',
    { ohlcv, features: [sma], window: 3 },
    'window: is not a known field; known are ohlcv, features',
  ],
  ['no features', { ohlcv }, 'features: must be a list of features; it is missing'],
  ['empty features', { ohlcv, features: [] }, 'features: is empty; give at least one feature'],
  [
    'features an object',
    { ohlcv, features: { name: 'sma' } },
    'features: must be a list of features; it is an object',
  ],
  ['too many', { ohlcv, features: new Array(257).fill(sma) }, 'features: has 257 elements; at most 256'],
  [
    'text feature',
    { ohlcv, features: ['sma'] },
    "features[0]: must be an object with a name and parameters; it is 'sma'",
  ],
  [
    'hole',
    { ohlcv, features: new Array(2) },
    'features[0]: must be an object with a name and parameters; it is missing',
  ],
  [
    'unknown name',
    { ohlcv, features: [sma, { name: 'smma' }] },
    "features[1].name: must be one of 'simple-return', ",
  ],
  ['no name', { ohlcv, features: [{ period: 3 }] }, 'features[0].name: must be one of'],
  ['inherited name', { ohlcv, features: [{ name: 'constructor' }] }, 'features[0].name: must be one of'],
  [
    'unknown parameter',
    { ohlcv, features: [{ name: 'rsi', length: 5 }] },
    'features[0].length: is not a parameter of this feature; known are name, as, period, source',
  ],
  [
    'period 0',
    { ohlcv, features: [{ name: 'sma', period: 0 }] },
    'features[0].period: must be an integer from 1 to 2000000',
  ],
  [
    'period 2.5',
    { ohlcv, features: [sma, { name: 'ema', period: 2.5 }] },
    'features[1].period: must be an integer',
  ],
  [
    'period text',
    { ohlcv, features: [{ name: 'sma', period: '3' }] },
    "features[0].period: must be an integer from 1 to 2000000; it is '3'",
  ],
  [
    'period 1 of a deviation',
    { ohlcv, features: [{ name: 'z-score', period: 1 }] },
    'features[0].period: must be an integer from 2',
  ],
  [
    'period larger than the series',
    { ohlcv, features: [sma, sma, { name: 'rsi', period: 10 }].slice(1) },
    'features[1].period: asks for at least 11 rows with these parameters; ohlcv has 10',
  ],
  ['slow too long', { ohlcv, features: [{ name: 'macd' }] }, 'features[0].slow: asks for at least 34 rows'],
  [
    'signal too long',
    { ohlcv, features: [{ name: 'macd', fast: 2, slow: 3 }] },
    'features[0].signal: asks for at least 11 rows',
  ],
  [
    'fast not faster',
    { ohlcv, features: [{ name: 'macd', fast: 5, slow: 5 }] },
    'features[0].fast: is 5, not less than slow (5); the fast average is the shorter one',
  ],
  [
    'deviations',
    { ohlcv, features: [{ name: 'bollinger', deviations: -1 }] },
    'features[0].deviations: must be a number from 0 to 100',
  ],
  [
    'deviations NaN',
    { ohlcv, features: [{ name: 'bollinger', deviations: NaN }] },
    'features[0].deviations: must be a number',
  ],
  [
    'choice',
    { ohlcv, features: [{ name: 'ema', seed: 'zero' }] },
    "features[0].seed: must be one of 'sma', 'first'; it is 'zero'",
  ],
  [
    'source',
    { ohlcv, features: [{ name: 'sma', source: 'time' }] },
    "features[0].source: must be one of 'open', 'high', 'low', 'close', 'volume'",
  ],
  [
    'periodsPerYear',
    { ohlcv, features: [{ name: 'volatility', periodsPerYear: 0 }] },
    'features[0].periodsPerYear: must be a number from 1',
  ],
  ['as', { ohlcv, features: [{ ...sma, as: '__proto__' }] }, 'features[0].as: must be a name for columns'],
  ['as a number', { ohlcv, features: [{ ...sma, as: 7 }] }, 'features[0].as: must be a name for columns'],
  [
    'duplicate column',
    { ohlcv, features: [sma, { name: 'rsi', period: 3 }, sma] },
    "features[2]: makes the column 'sma_3', which features[0] makes too; remove one, or name its columns with as",
  ],
  [
    'duplicate name',
    {
      ohlcv,
      features: [
        { name: 'bollinger', period: 3, as: 'x' },
        { ...sma, as: 'x_upper' },
      ],
    },
    "features[1].as: makes the column 'x_upper', which features[0] makes too",
  ],
  [
    'calendar part',
    { ohlcv: { time }, features: [{ name: 'calendar', parts: ['month', 'moon'] }] },
    "features[0].parts[1]: must be one of 'day-of-week'",
  ],
  [
    'calendar part twice',
    { ohlcv: { time }, features: [{ name: 'calendar', parts: ['month', 'month'] }] },
    "features[0].parts[1]: is 'month' a second time",
  ],
  [
    'no part',
    { ohlcv: { time }, features: [{ name: 'calendar', parts: [] }] },
    'features[0].parts: is empty',
  ],
  [
    'parts text',
    { ohlcv: { time }, features: [{ name: 'calendar', parts: 'month' }] },
    "features[0].parts: must be a list of names; it is 'month'",
  ],

  [
    'no ohlcv',
    { features: [sma] },
    'ohlcv: must be an object with open, high, low, close, volume, time; it is missing',
  ],
  ['rows of candles', { ohlcv: [{ close: 1 }], features: [sma] }, 'ohlcv: must be an object with'],
  ['no column', { ohlcv: {}, features: [sma] }, 'ohlcv: has no column; give the ones that the features need'],
  [
    'unknown column',
    { ohlcv: { ...ohlcv, adjclose: close }, features: [sma] },
    'ohlcv.adjclose: is not a known field',
  ],
  ['empty', { ohlcv: { close: [] }, features: [sma] }, 'ohlcv.close: is empty'],
  [
    'one row',
    { ohlcv: { close: [1] }, features: [{ name: 'sma', period: 1 }] },
    'ohlcv.close: has 1 row; a series has at least 2',
  ],
  [
    'text column',
    { ohlcv: { close: '1,2' }, features: [sma] },
    "ohlcv.close: must be a list of numbers; it is '1,2'",
  ],
  [
    'NaN',
    { ohlcv: { close: [1, 2, NaN] }, features: [sma] },
    'ohlcv.close[2]: must be a finite number; it is NaN',
  ],
  [
    'typed NaN',
    { ohlcv: { close: Float64Array.of(1, NaN, 3) }, features: [sma] },
    'ohlcv.close[1]: must be a finite number; it is NaN',
  ],
  [
    'Infinity',
    { ohlcv: { ...ohlcv, high: [...high.slice(0, 9), Infinity] }, features: [sma] },
    'ohlcv.high[9]: must be a finite number; it is Infinity',
  ],
  [
    'null',
    { ohlcv: { close: [1, null, 3] }, features: [sma] },
    'ohlcv.close[1]: must be a finite number; it is null',
  ],
  [
    'text element',
    { ohlcv: { close: [1, '2', 3] }, features: [sma] },
    "ohlcv.close[1]: must be a finite number; it is '2'",
  ],
  [
    'too large',
    { ohlcv: { close: [1, 1e60, 3] }, features: [sma] },
    'ohlcv.close[1]: is 1e+60; numbers from -1e+50 to 1e+50',
  ],
  [
    'ragged',
    { ohlcv: { close, high: high.slice(1) }, features: [sma] },
    'ohlcv.close: has 10 rows, but ohlcv.high has 9; give columns of equal length',
  ],
  [
    'ragged time',
    { ohlcv: { close, time: time.slice(1) }, features: [sma] },
    'ohlcv.time: has 9 rows, but ohlcv.close has 10',
  ],
  [
    'too many rows',
    { ohlcv: { close: new Float64Array(MAX_ROWS + 1) }, features: [sma] },
    'ohlcv.close: has 2000001 elements; at most 2000000',
  ],
  [
    'too many cells',
    {
      ohlcv: { close: new Float64Array(MAX_ROWS).fill(1) },
      features: Array.from({ length: 16 }, (_, i) => ({ name: 'sma', period: i + 1 })),
    },
    'features: make 16 columns of 2000000 rows, more than the 30000000 numbers that are accepted; split the task',
  ],
  [
    'volume',
    { ohlcv: { close, volume: [...volume.slice(1), -1] }, features: [sma] },
    'ohlcv.volume[9]: is -1; a volume is 0 or more',
  ],
  [
    'high under low',
    { ohlcv: { high: [2, 2], low: [1, 3] }, features: [{ name: 'sma', period: 1, source: 'high' }] },
    'ohlcv.high[1]: is 2, under the low of 3; correct the row, or set checkCandles to false',
  ],
  [
    'close over high',
    { ohlcv: { high, close: [...close.slice(0, 9), 20] }, features: [sma] },
    'ohlcv.close[9]: is 20, over the high of 14',
  ],
  [
    'close under low',
    { ohlcv: { low, close: [...close.slice(0, 9), 2] }, features: [sma] },
    'ohlcv.close[9]: is 2, under the low of 12',
  ],
  [
    'open over high',
    { ohlcv: { ...ohlcv, open: [99, ...close.slice(1)] }, features: [sma] },
    'ohlcv.open[0]: is 99, over the high of 11',
  ],
  [
    'zero price',
    { ohlcv: { close: [1, 0, 2, 3] }, features: [sma, { name: 'log-return' }] },
    'ohlcv.close[1]: is 0; features[1] (log-return) needs positive numbers',
  ],
  [
    'negative price',
    { ohlcv: { close: [1, 2, -37.6, 3] }, features: [{ name: 'drawdown' }] },
    'ohlcv.close[2]: is -37.6; features[0] (drawdown) needs positive',
  ],
  [
    'checkCandles',
    { ohlcv, features: [sma], checkCandles: 'no' },
    "checkCandles: must be true or false; it is 'no'",
  ],
  [
    'missing',
    { ohlcv, features: [sma], missing: 'skip' },
    "missing: must be one of 'fail', 'carry'; it is 'skip'",
  ],

  [
    'unsorted',
    { ohlcv: { close, time: [...time.slice(0, 8), '2024-01-11', '2024-02-01'] }, features: [sma] },
    'ohlcv.time[8]: is earlier than ohlcv.time[7]; sort the rows by time',
  ],
  [
    'duplicate time',
    { ohlcv: { close, time: [...time.slice(0, 9), '2024-01-18T00:00Z'] }, features: [sma] },
    'ohlcv.time[9]: is the same time as ohlcv.time[8]',
  ],
  [
    'no date',
    { ohlcv: { close, time: ['16.3.2020', ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a date such as 2020-03-16',
  ],
  [
    'no such day',
    { ohlcv: { close, time: ['2023-02-29', ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a date',
  ],
  [
    'no such month',
    { ohlcv: { close, time: ['2023-13-01', ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a date',
  ],
  [
    'no such hour',
    { ohlcv: { close, time: ['2023-12-01T25:00Z', ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a date',
  ],
  [
    'local time',
    { ohlcv: { close, time: ['2024-01-01T10:00:00', ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a date',
  ],
  [
    'null time',
    { ohlcv: { close, time: [null, ...time.slice(1)] }, features: [sma] },
    'ohlcv.time[0]: must be a finite number; it is null',
  ],
  [
    'NaN time',
    { ohlcv: { close, time: new Float64Array(10).fill(NaN) }, features: [sma] },
    'ohlcv.time[0]: must be a finite number',
  ],
  [
    'time out of range',
    { ohlcv: { close, time: new Float64Array(10).fill(-1e14) }, features: [sma] },
    'ohlcv.time[0]: is -100000000000000, before the year 1000',
  ],
];

void t.test('names each fault', (t) => {
  for (const [name, input, message] of faults) {
    try {
      parseFeatureEngineeringInput(input);
      t.fail(`${name}: accepted`);
    } catch (error) {
      t.ok(error instanceof TaskInputError && error.message.startsWith(message), `${name}: ${String(error)}`);
    }
  }
  t.end();
});

void t.test('impossible candles can be allowed', (t) => {
  const input = {
    ohlcv: { high: [2, 2], low: [1, 3], close: [9, 9] },
    features: [{ name: 'atr', period: 1 }],
  };
  t.ok(parseFeatureEngineeringInput({ ...input, checkCandles: false }));
  t.end();
});

void t.test('a row without prices can be carried forward', (t) => {
  const carry = (columns: object) =>
    parseFeatureEngineeringInput({
      ohlcv: columns,
      features: [{ name: 'sma', period: 1, source: 'high' }],
      missing: 'carry',
    });
  const holes = {
    open: [1, null, null, 4],
    high: Float64Array.of(3, NaN, NaN, 6),
    low: [1, null, null, 4],
    close: [2, null, null, 5],
    volume: [100, null, 0, 300],
  };
  const parsed = carry(holes);
  t.same(parsed.ohlcv, {
    open: Float64Array.of(1, 2, 2, 4),
    high: Float64Array.of(3, 2, 2, 6),
    low: Float64Array.of(1, 2, 2, 4),
    close: Float64Array.of(2, 2, 2, 5),
    volume: Float64Array.of(100, 0, 0, 300),
  });
  t.same(parseFeatureEngineeringInput(parsed), parsed, 'idempotent');
  t.ok(Number.isNaN(holes.high[1]), 'the input is not changed');
  t.same(
    carry({ high: [3, null, 4] }).ohlcv.high,
    Float64Array.of(3, 3, 4),
    'without closes the price before',
  );

  const refused: [object, string][] = [
    [{ high: [null, 2] }, 'ohlcv.high[0]: is missing, and there is no row before it to carry forward'],
    [
      { ...holes, close: [2, 2, null, 5] },
      'ohlcv.open[1]: is missing, and the row has other prices (close); complete it',
    ],
    [{ ...holes, volume: [100, 0, 0, null] }, 'ohlcv.volume[3]: is missing, and only a row without prices'],
    [{ high: [1, '2'] }, "ohlcv.high[1]: must be a finite number; it is '2'"],
    [{ high: 'none' }, "ohlcv.high: must be a list of numbers; it is 'none'"],
  ];
  for (const [columns, message] of refused)
    t.throws(() => carry(columns), { message: new RegExp(`^${escape(message)}`) });
  t.end();
});

function escape(text: string): string {
  return text.replace(/[[\]().]/g, '\\$&');
}

void t.test('whatever comes, it is parsed or refused by name', (t) => {
  const value = fc.oneof(
    fc.anything(),
    fc.array(fc.oneof(fc.double(), fc.constant(null))),
    fc.constantFrom(close, high, time),
  );
  const feature = fc.oneof(
    fc.anything(),
    fc.record(
      { name: fc.constantFrom(...FEATURE_NAMES), period: fc.anything(), as: fc.anything() },
      { requiredKeys: ['name'] },
    ),
  );
  const input = fc.oneof(
    fc.anything(),
    fc.record(
      {
        ohlcv: fc.record({ close: value, high: value, volume: value, time: value }, { requiredKeys: [] }),
        features: fc.array(feature),
        missing: fc.constantFrom('fail', 'carry'),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(input, (input) => {
      try {
        parseFeatureEngineeringInput(input);
        return true;
      } catch (error) {
        return error instanceof TaskInputError && error.message.length < 1000;
      }
    }),
    { numRuns: 500 },
  );
  t.end();
});
