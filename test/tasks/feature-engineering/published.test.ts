import t from 'tap';
import { columnOf, columnsOf } from './run.js';
import * as published from './worked-examples.js';

/** The values from a row on, which must be the first with any, against the published ones. */
function check(
  t: Tap,
  column: Float64Array | undefined,
  first: number,
  expected: readonly number[],
  tolerance: number,
) {
  const values = [...(column ?? [])];
  t.ok(values.slice(0, first).every(Number.isNaN), 'no value in a warm-up row');
  const far = expected.filter((value, i) => !(Math.abs((values[first + i] ?? NaN) - value) <= tolerance));
  t.same(
    far,
    [],
    `${expected.length} values within ${tolerance} of ${values.slice(first, first + 3).join(', ')}, …`,
  );
}

type Tap = Pick<typeof t, 'ok' | 'same'>;
/** What rounding to two decimals can do. */
const TWO_DECIMALS = 0.005 + 1e-9;

void t.test('RSI of ChartSchool: 70.53, 66.32, …', (t) => {
  check(
    t,
    columnOf({ close: published.RSI_CLOSES }, { name: 'rsi' }, 'rsi_14'),
    14,
    published.RSI_14,
    TWO_DECIMALS,
  );
  t.end();
});

void t.test('ATR of ChartSchool: 0.55, 0.59, …', (t) => {
  // The inputs are rounded too.
  check(t, columnOf(published.ATR_CANDLES, { name: 'atr' }, 'atr_14'), 13, published.ATR_14, 0.01);
  t.end();
});

void t.test('ADX of ChartSchool, as technicalindicators has it', (t) => {
  const columns = columnsOf(published.ADX_CANDLES, [{ name: 'adx' }]);
  ['adx_14', 'adx_14_plus_di', 'adx_14_minus_di'].forEach((name, part) => {
    const expected = published.ADX_14.map((row) => row[part] ?? NaN);
    const column = columns[name]?.slice(27);
    check(t, column, 0, expected, 1e-9);
  });
  t.same(
    [...(columns['adx_14'] ?? [])].findIndex((value) => !Number.isNaN(value)),
    27,
  );
  t.same(
    [...(columns['adx_14_plus_di'] ?? [])].findIndex((value) => !Number.isNaN(value)),
    14,
  );
  t.end();
});

void t.test('stochastic %K of ChartSchool: 70.44, 67.61, …', (t) => {
  const { STOCHASTIC_HIGHS: high, STOCHASTIC_LOWS: low, STOCHASTIC_CLOSES_FROM_13: given } = published;
  const close = [...low.slice(0, 13), ...given];
  // The spreadsheet's inputs have more decimals than it prints: 0.01 of a range of 4 to 5 is 0.2 %.
  const k = columnOf({ high, low, close }, { name: 'stochastic' }, 'stochastic_14_1_3_k');
  check(t, k, 13, published.STOCHASTIC_K_14, 0.2);
  const d = columnOf({ high, low, close }, { name: 'stochastic' }, 'stochastic_14_1_3_d');
  check(t, d, 15, [(70.44 + 67.61 + 89.2) / 3, (67.61 + 89.2 + 65.81) / 3], 0.2);
  t.end();
});

void t.test('Bollinger bands of ChartSchool: 88.71 between 86.13 and 91.29', (t) => {
  const columns = columnsOf({ close: published.BOLLINGER_CLOSES }, [{ name: 'bollinger' }]);
  // The published deviations were rounded before they were doubled.
  check(t, columns['bollinger_20_2_middle'], 19, published.BOLLINGER_MIDDLE, 0.01);
  check(t, columns['bollinger_20_2_upper'], 19, published.BOLLINGER_UPPER, 0.015);
  check(t, columns['bollinger_20_2_lower'], 19, published.BOLLINGER_LOWER, 0.015);
  t.end();
});

void t.test('simple and exponential averages of ChartSchool', (t) => {
  const columns = columnsOf({ close: published.AVERAGE_CLOSES }, [
    { name: 'sma', period: 10 },
    { name: 'ema', period: 10 },
    { name: 'rolling-mean', period: 10 },
  ]);
  check(t, columns['sma_10'], 9, published.SMA_10, 0.01);
  check(t, columns['rolling_mean_10'], 9, published.SMA_10, 0.01);
  check(t, columns['ema_10'], 9, published.EMA_10, 0.01);
  t.end();
});

void t.test('population deviation of ChartSchool, through a Bollinger band', (t) => {
  const columns = columnsOf({ close: published.DEVIATION_CLOSES }, [
    { name: 'bollinger', period: 10, deviations: 1 },
  ]);
  const { bollinger_10_1_upper: upper, bollinger_10_1_middle: middle } = columns;
  const deviation = upper?.map((value, row) => value - (middle?.[row] ?? NaN));
  // The spreadsheet leaves the first window out.
  check(t, deviation?.slice(10), 0, published.DEVIATION_10, 0.0075);
  t.end();
});

void t.test('MACD of investexcel.net: 8.275, signal 3.0375', (t) => {
  const columns = columnsOf({ close: published.MACD_CLOSES }, [{ name: 'macd' }]);
  check(t, columns['macd_12_26_9'], 25, published.MACD_LINE, 1e-6);
  check(t, columns['macd_12_26_9_signal'], 33, published.MACD_SIGNAL, 1e-9);
  check(t, columns['macd_12_26_9_histogram'], 33, [-5.108084059, -4.527494558, -3.387775176], 1e-8);
  t.end();
});

void t.test('OBV of Investopedia: 30,000 … 72,100', (t) => {
  const ohlcv = { close: published.OBV_CLOSES, volume: published.OBV_VOLUMES };
  check(t, columnOf(ohlcv, { name: 'obv' }, 'obv'), 1, published.OBV, 0);
  t.end();
});

void t.test('volatility of Hull: 1.216 % a day, 19.3 % a year', (t) => {
  const columns = columnsOf({ close: published.VOLATILITY_CLOSES }, [
    { name: 'volatility' },
    { name: 'volatility', periodsPerYear: 252 },
  ]);
  check(t, columns['volatility_20'], 20, [0.01216], 0.000005);
  check(t, columns['volatility_20_252'], 20, [0.193], 0.0005);
  t.end();
});

void t.test('a drawdown by hand, and returns', (t) => {
  const columns = columnsOf({ close: [100, 120, 90, 108, 150, 135] }, [
    { name: 'drawdown' },
    { name: 'simple-return' },
    { name: 'log-return', period: 2 },
  ]);
  check(t, columns['drawdown'], 0, [0, 0, -0.25, -0.1, 0, -0.1], 1e-15);
  check(t, columns['drawdown_max'], 0, [0, 0, -0.25, -0.25, -0.25, -0.25], 1e-15);
  check(t, columns['simple_return_1'], 1, [0.2, -0.25, 0.2, 150 / 108 - 1, -0.1], 1e-15);
  check(
    t,
    columns['log_return_2'],
    2,
    [Math.log(0.9), Math.log(0.9), Math.log(150 / 90), Math.log(1.25)],
    1e-15,
  );
  t.end();
});
