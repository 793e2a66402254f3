import t from 'tap';
import { ADX, ATR, BollingerBands, EMA, MACD, RSI, SMA, StochasticOscillator } from 'trading-signals';
import { columnOf, columnsOf, difference, seededCandles } from './run.js';

/** Where the conventions agree, the same values to 1e-9; where they do not, from where they have become the same. */

const ROWS = 1200;
const series = seededCandles(ROWS);
const { close } = series;
const TOLERANCE = 1e-9;

function every(value: (row: number) => number | null | undefined): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, row) => value(row) ?? NaN);
}

function candle(row: number) {
  const [high = NaN, low = NaN, price = NaN] = [series.high[row], series.low[row], close[row]];
  return { high, low, close: price };
}

void t.test('simple average, RSI, ATR: in every row', (t) => {
  for (const period of [2, 5, 14, 50]) {
    const sma = new SMA(period);
    const expectedSma = every((row) => sma.update(close[row] ?? NaN, false));
    t.ok(difference(columnOf(series, { name: 'sma', period }, `sma_${period}`), expectedSma) < TOLERANCE);

    const rsi = new RSI(period);
    const expectedRsi = every((row) => rsi.update(close[row] ?? NaN, false));
    t.ok(difference(columnOf(series, { name: 'rsi', period }, `rsi_${period}`), expectedRsi) < TOLERANCE);

    const atr = new ATR(period);
    const expectedAtr = every((row) => atr.update(candle(row), false));
    t.ok(difference(columnOf(series, { name: 'atr', period }, `atr_${period}`), expectedAtr) < TOLERANCE);
  }
  t.end();
});

void t.test('Bollinger bands, stochastic: in every row', (t) => {
  const bands = new BollingerBands(20, 2);
  const expected = Array.from({ length: ROWS }, (_, row) => bands.update(close[row] ?? NaN, false));
  const columns = columnsOf(series, [{ name: 'bollinger' }, { name: 'stochastic', slowing: 3 }]);
  for (const part of ['upper', 'middle', 'lower'] as const) {
    const column = columns[`bollinger_20_2_${part}`] ?? new Float64Array();
    t.ok(
      difference(
        column,
        every((row) => expected[row]?.[part]),
      ) < TOLERANCE,
      part,
    );
  }

  const oscillator = new StochasticOscillator({ kPeriod: 14, kSlowingPeriod: 3, dPeriod: 3 });
  const stochastic = Array.from({ length: ROWS }, (_, row) => oscillator.update(candle(row), false));
  // The package gives %K only where it has %D as well.
  const k = (columns['stochastic_14_3_3_k'] ?? new Float64Array()).map((value, row) =>
    row < 17 ? NaN : value,
  );
  t.ok(
    difference(
      k,
      every((row) => stochastic[row]?.stochK),
    ) < TOLERANCE,
  );
  const d = columns['stochastic_14_3_3_d'] ?? new Float64Array();
  t.ok(
    difference(
      d,
      every((row) => stochastic[row]?.stochD),
    ) < TOLERANCE,
  );
  t.end();
});

void t.test('exponential average and MACD with seed first: in every row that is stable', (t) => {
  const average = new EMA(20);
  const expected = every((row) => {
    average.update(close[row] ?? NaN, false);
    return average.getResult();
  });
  t.ok(difference(columnOf(series, { name: 'ema', seed: 'first' }, 'ema_20_first'), expected) === 0);

  const macd = new MACD(new EMA(12), new EMA(26), new EMA(9));
  const results = Array.from({ length: ROWS }, (_, row) => macd.update(close[row] ?? NaN, false));
  const columns = columnsOf(series, [{ name: 'macd', seed: 'first', as: 'macd' }]);
  t.ok(
    difference(
      columns['macd'] ?? new Float64Array(),
      every((row) => results[row]?.macd),
    ) < TOLERANCE,
  );
  for (const part of ['signal', 'histogram'] as const) {
    // The package has a signal from its first input on, we from its ninth on.
    const warm = every((row) => (row < 33 ? NaN : results[row]?.[part]));
    t.ok(difference(columns[`macd_${part}`] ?? new Float64Array(), warm) < TOLERANCE, part);
  }
  t.end();
});

void t.test('with another beginning: the exponential average by SMA, and the ADX, become the same', (t) => {
  const average = new EMA(20);
  const ema = every((row) => average.update(close[row] ?? NaN, false)).slice(600);
  t.ok(difference(columnOf(series, { name: 'ema' }, 'ema_20').slice(600), ema) < TOLERANCE);

  const index = new ADX(14);
  const adx = every((row) => index.update(candle(row), false)).slice(600);
  t.ok(difference(columnOf(series, { name: 'adx' }, 'adx_14').slice(600), adx) < TOLERANCE);
  t.end();
});
