import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import t from 'tap';
import { columnOf, columnsOf, firstRow } from './run.js';

/** S&P 500, daily, 3 January 2000 to 17 April 2020, from the package vega-datasets. */
const file = join(
  dirname(createRequire(import.meta.url).resolve('vega-datasets')),
  '..',
  'data',
  'sp500-2000.csv',
);
const days: Record<string, string>[] = parse(readFileSync(file, 'utf8'), { columns: true });
const numbers = (name: string) => Float64Array.from(days, (day) => Number(day[name]));
const market = {
  time: days.map(({ date }) => date),
  open: numbers('open'),
  high: numbers('high'),
  low: numbers('low'),
  close: numbers('close'),
  volume: numbers('volume'),
};

/**
 * TA-Lib (the C library, compiled to WebAssembly in the package talib-web 0.1.3) on the first 1,200 days, at rows 999 and
 * 1199, with its default parameters. Its ADX and DI begin in another way than Wilder's and have become the same by then.
 */
const TA_LIB: Readonly<Record<string, readonly [number, number]>> = {
  rsi_14: [67.20967267763197, 51.29040154499489],
  atr_14: [8.963175787168801, 8.940742256523661],
  adx_14: [35.73406485695648, 18.796463920826508],
  adx_14_plus_di: [34.30824840583355, 24.41395069936454],
  adx_14_minus_di: [8.846135945969566, 25.22436747685693],
  macd_12_26_9: [11.082814674701012, 4.521186845663578],
  macd_12_26_9_signal: [8.852385496148909, 5.022229312239454],
  macd_12_26_9_histogram: [2.2304291785521038, -0.5010424665758757],
  stochastic_14_1_3_d: [97.06028914417355, 52.74768005863248],
  bollinger_20_2_middle: [1073.1855041500019, 1122.0565125000023],
  ema_20: [1074.856488824452, 1122.1414188661356],
  sma_20: [1073.1855041500019, 1122.0565125000023],
};
/** The first values that TA-Lib gives; its OBV begins with the first day's volume, ours with none. */
const TA_LIB_FIRST: readonly (readonly [column: string, row: number, value: number])[] = [
  ['rsi_14', 14, 38.69065784389016],
  ['atr_14_none', 14, 27.70140721428574],
  ['bollinger_20_2_upper', 19, 1482.052885859728],
  ['bollinger_20_2_middle', 19, 1425.5855041500001],
  ['bollinger_20_2_lower', 19, 1369.1181224402724],
  ['ema_20', 19, 1425.5855041500001],
  ['stochastic_14_1_3_d', 15, 40.81203844801038],
  ['obv', 1, -1009000000],
  ['obv', 999, -26547530000 - 931800000],
  ['obv', 1199, -1895430000 - 931800000],
];

const columns = columnsOf(
  market,
  [
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
    'volatility',
  ]
    .map((name): object => ({ name }))
    .concat({ name: 'atr', firstRange: 'none' }, { name: 'simple-return' }),
);

void t.test('what TA-Lib makes of the S&P 500', (t) => {
  for (const [name, values] of Object.entries(TA_LIB)) {
    values.forEach((value, i) => {
      const ours = columns[name]?.[[999, 1199][i] ?? NaN] ?? NaN;
      t.ok(Math.abs(ours - value) < 1e-9 * Math.max(1, Math.abs(value)), `${name}: ${ours} and ${value}`);
    });
  }
  for (const [name, row, value] of TA_LIB_FIRST) {
    const ours = columns[name]?.[row] ?? NaN;
    t.ok(
      Math.abs(ours - value) < 1e-9 * Math.max(1, Math.abs(value)),
      `${name}[${row}]: ${ours} and ${value}`,
    );
    if (row < 100) t.equal(firstRow(columns[name] ?? new Float64Array()), row, `${name} begins there`);
  }
  t.end();
});

void t.test('what is known of these years', (t) => {
  const row = (date: string) => market.time.indexOf(date);
  const at = (name: string, date: string) => columns[name]?.[row(date)] ?? NaN;
  // The largest fall of a day in the file, and the worst drawdown: 56.8 % from October 2007 to 9 March 2009.
  t.ok(Math.abs(at('simple_return_1', '2020-03-16') + 0.1198) < 0.00005);
  t.ok(Math.abs(at('drawdown', '2009-03-09') + 0.5678) < 0.00005);
  t.equal(at('drawdown', '2009-03-09'), columns['drawdown_max']?.at(-1));
  t.equal(at('drawdown', '2007-10-09'), 0, 'a peak');
  t.ok(Math.min(...(columns['rsi_14'] ?? []).slice(14)) > 0);
  t.equal(at('calendar_day_of_week', '2008-09-15'), 1, 'a Monday');
  t.equal(at('calendar_month', '2008-09-15'), 9);
  t.end();
});

void t.test('every column has a value in every row from its first on', (t) => {
  for (const [name, column] of Object.entries(columns)) {
    t.equal(column.length, days.length);
    t.ok(column.slice(firstRow(column)).every(Number.isFinite), name);
  }
  t.end();
});

void t.test('the sample deviation of a year is what two passes give', (t) => {
  const volatility = columnOf(market, { name: 'volatility', period: 252 }, 'volatility_252');
  const { close } = market;
  const returns = Array.from({ length: 252 }, (_, i) =>
    Math.log((close[749 + i] ?? NaN) / (close[748 + i] ?? NaN)),
  );
  const mean = returns.reduce((sum, x) => sum + x, 0) / 252;
  const variance = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 251;
  t.ok(Math.abs((volatility[1000] ?? NaN) - Math.sqrt(variance)) < 1e-14);
  t.end();
});
