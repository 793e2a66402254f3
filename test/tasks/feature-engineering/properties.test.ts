import fc from 'fast-check';
import t from 'tap';
import {
  rollingExtreme,
  rollingMean,
  rollingMoments,
} from '../../../src/tasks/feature-engineering/rolling.js';
import { TaskInputError } from '../../../src/tasks/kind.js';
import { anyCandles, columnsOf, difference, firstRow, type Series } from './run.js';

/** Each feature at least once, with short periods, so that a short series has values. */
const features: object[] = [
  { name: 'simple-return', period: 2 },
  { name: 'log-return' },
  { name: 'rolling-mean', period: 3, of: 'log-return' },
  { name: 'volatility', period: 4, periodsPerYear: 252 },
  { name: 'z-score', period: 5 },
  { name: 'z-score', period: 3, of: 'simple-return', deviation: 'sample' },
  { name: 'sma', period: 4 },
  { name: 'sma', period: 1, source: 'volume' },
  { name: 'ema', period: 3 },
  { name: 'ema', period: 3, seed: 'first' },
  { name: 'rsi', period: 3 },
  { name: 'macd', fast: 2, slow: 4, signal: 3 },
  { name: 'macd', fast: 2, slow: 4, signal: 3, seed: 'first' },
  { name: 'bollinger', period: 4, deviations: 1.5 },
  { name: 'atr', period: 3 },
  { name: 'atr', period: 3, firstRange: 'none' },
  { name: 'adx', period: 3 },
  { name: 'stochastic', period: 3, slowing: 2, signal: 2 },
  { name: 'obv' },
  { name: 'drawdown' },
  { name: 'calendar', parts: ['month', 'turn-of-month'] },
  { name: 'calendar', encoding: 'cyclic', parts: ['day-of-week', 'day-of-month'] },
];
const DAY = 86_400_000;
const withTime = (series: Series) => ({ ...series, time: series.close.map((_, row) => row * DAY) });
const first = (series: ReturnType<typeof withTime>, rows: number) =>
  Object.fromEntries(Object.entries(series).map(([name, column]) => [name, column.slice(0, rows)]));

void t.test('no look-ahead: the features of a prefix are the prefix of the features, to the bit', (t) => {
  const prefix = anyCandles(10, 60).chain((series) =>
    fc.record({
      series: fc.constant(withTime(series)),
      rows: fc.integer({ min: 8, max: series.close.length }),
    }),
  );
  fc.assert(
    fc.property(prefix, ({ series, rows }) => {
      const whole = columnsOf(series, features);
      const part = columnsOf(first(series, rows), features);
      return Object.entries(whole).every(
        ([name, column]) => difference(column.slice(0, rows), part[name] ?? []) === 0,
      );
    }),
    { numRuns: 60 },
  );
  t.end();
});

void t.test('no column is infinite, and each is as long as the input', (t) => {
  fc.assert(
    fc.property(anyCandles(8, 60), (series) =>
      Object.values(columnsOf(withTime(series), features)).every(
        (column) => column.length === series.close.length && !column.some((x) => Math.abs(x) === Infinity),
      ),
    ),
  );
  t.end();
});

/** What is accepted of a feature alone: its columns, or null when the series has no movement for it. */
function accepted(series: object, feature: object): Record<string, Float64Array> | null {
  try {
    return columnsOf(series, [feature]);
  } catch (error) {
    if (error instanceof TaskInputError && error.problem.startsWith('has zero variance')) return null;
    throw error;
  }
}

void t.test('a price that never changes, without volume: refused by name, or a value in every row', (t) => {
  const level = fc.double({ min: 1e-3, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(level, fc.integer({ min: 8, max: 60 }), (price, rows) => {
      const column = new Float64Array(rows).fill(price);
      const still = {
        open: column,
        high: column,
        low: column,
        close: column,
        volume: new Float64Array(rows),
      };
      for (const feature of features) {
        const columns = accepted(withTime(still), feature);
        const refused =
          'name' in feature && ['z-score', 'rsi', 'adx', 'stochastic'].includes(String(feature.name));
        t.equal(columns === null, refused, JSON.stringify(feature));
        for (const [name, values] of Object.entries(columns ?? {})) {
          t.notOk(values.slice(firstRow(values)).some(Number.isNaN), `${name}: no gap after the first value`);
          const expected = isPrice(name) && !/macd|atr|volume/.test(name) ? price : 0;
          if (!name.startsWith('calendar'))
            t.ok(Math.abs((values.at(-1) ?? NaN) - expected) <= 1e-12 * price, name);
        }
      }
    }),
    { numRuns: 20 },
  );
  t.end();
});

void t.test('what is accepted has a value in each of its columns', (t) => {
  const mostlyStill = fc
    .array(fc.constantFrom(0, 0, 0, 0, 0, 1e-13, 1), { minLength: 8, maxLength: 24 })
    .map((steps) => {
      let price = 100;
      const close = Float64Array.from(steps, (step) => (price += step));
      const none = new Float64Array(steps.length);
      return withTime({ open: close, high: close, low: close, close, volume: none });
    });
  fc.assert(
    fc.property(mostlyStill, (series) =>
      features
        // Its second column is a mean, which one window without a range leaves without a value.
        .filter((feature) => !('slowing' in feature))
        .every((feature) =>
          Object.entries(accepted(series, feature) ?? {}).every(
            ([name, values]) => firstRow(values) >= 0 || t.fail(`${name}: ${series.close.join()}`),
          ),
        ),
    ),
  );
  t.end();
});

void t.test('the unit of the prices does not change what is relative', (t) => {
  const relative = features.filter((feature) => !('source' in feature));
  const scaleFree = /return|volatility|z_score|rsi|adx|stochastic|drawdown|rolling_mean/;
  fc.assert(
    fc.property(anyCandles(8, 60), fc.constantFrom(1 / 1024, 0.5, 8, 4096), (series, scale) => {
      const times = (column: Float64Array) => column.map((value) => value * scale);
      const { open, high, low, close, volume } = withTime(series);
      const scaled = { open: times(open), high: times(high), low: times(low), close: times(close), volume };
      const timed = { ...scaled, time: withTime(series).time };
      const before = columnsOf(withTime(series), relative);
      const after = columnsOf(timed, relative);
      // A power of two changes no digit, so even 0 / 0 is where it was.
      return Object.entries(before).every(
        ([name, column]) =>
          difference(
            after[name] ?? new Float64Array(),
            scaleFree.test(name) || !isPrice(name) ? column : times(column),
          ) < 1e-12,
      );
    }),
  );
  t.end();
});

function isPrice(name: string): boolean {
  return /^(sma|ema|macd|bollinger|atr)/.test(name);
}

void t.test('bounds, and what belongs together', (t) => {
  const within = (low: number, high: number) => (value: number) =>
    Number.isNaN(value) || (value >= low - 1e-9 && value <= high + 1e-9);
  fc.assert(
    fc.property(anyCandles(8, 80), (series) => {
      const columns = columnsOf(series, [
        ...features.filter((feature) => !('name' in feature && feature.name === 'calendar')),
        { name: 'bollinger', period: 5 },
        { name: 'sma', period: 5 },
      ]);
      const get = (name: string) => columns[name] ?? new Float64Array();
      const rows = [...series.close.keys()];
      const near = (a: number, b: number) =>
        Number.isNaN(a) === Number.isNaN(b) && !(Math.abs(a - b) > 1e-9 * Math.abs(a));
      return (
        get('rsi_3').every(within(0, 100)) &&
        get('adx_3').every(within(0, 100)) &&
        get('stochastic_3_2_2_k').every(within(0, 100)) &&
        get('drawdown').every(within(-1, 0)) &&
        get('z_score_5').every((z) => !(Math.abs(z) > 2.001)) && // at most √(n - 1), but for rounding
        difference(get('bollinger_5_2_middle'), get('sma_5')) === 0 &&
        rows.every((row) => {
          const at = (name: string) => get(name)[row] ?? NaN;
          const width = at('bollinger_5_2_upper') - at('bollinger_5_2_middle');
          const below = at('bollinger_5_2_middle') - at('bollinger_5_2_lower');
          return Math.abs(width - below) <= 1e-9 * at('bollinger_5_2_middle') || Number.isNaN(width);
        }) &&
        rows.every((row) =>
          near(get('drawdown_max')[row] ?? NaN, Math.min(...get('drawdown').slice(0, row + 1))),
        ) &&
        rows.slice(2).every((row) => {
          const step = (get('obv')[row] ?? NaN) - (get('obv')[row - 1] ?? NaN);
          const change = Math.sign((series.close[row] ?? NaN) - (series.close[row - 1] ?? NaN));
          return step === change * (series.volume[row] ?? NaN);
        })
      );
    }),
  );
  t.end();
});

void t.test('rises and falls trade places in RSI, up and down in ADX, when the prices are mirrored', (t) => {
  const mirrored = (series: Series) => {
    const flip = (column: Float64Array) => column.map((price) => 2 ** 14 - price);
    return { high: flip(series.low), low: flip(series.high), close: flip(series.close) };
  };
  const either = [
    { name: 'rsi', period: 4 },
    { name: 'adx', period: 4 },
  ];
  fc.assert(
    fc.property(anyCandles(10, 60), (series) => {
      // Prices as sixteenths: the mirror is then exact.
      const round = (column: Float64Array) => column.map((price) => Math.round(price * 16) / 16);
      const plain = { high: round(series.high), low: round(series.low), close: round(series.close) };
      const before = columnsOf(plain, either);
      const after = columnsOf(mirrored({ ...series, ...plain }), either);
      const get = (columns: typeof before, name: string) => columns[name] ?? new Float64Array();
      return (
        difference(
          get(before, 'rsi_4'),
          get(after, 'rsi_4').map((value) => 100 - value),
        ) < 1e-9 &&
        difference(get(before, 'adx_4'), get(after, 'adx_4')) < 1e-9 &&
        difference(get(before, 'adx_4_plus_di'), get(after, 'adx_4_minus_di')) < 1e-9
      );
    }),
  );
  t.end();
});

void t.test('rolling mean, deviation and extremes are those of each window by itself', (t) => {
  const values = fc
    .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
      minLength: 1,
      maxLength: 40,
    })
    .map((list) => Float64Array.from(list));
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 12 }), fc.nat(5), (values, period, first) => {
      const windows = Array.from(values, (_, row) =>
        row < first + period - 1 ? undefined : [...values.slice(row - period + 1, row + 1)],
      );
      const of = (take: (window: number[]) => number) =>
        windows.map((window) => (window ? take(window) : NaN));
      const mean = (window: number[]) => window.reduce((sum, x) => sum + x, 0) / period;
      const deviation = (window: number[]) =>
        Math.sqrt(window.reduce((sum, x) => sum + (x - mean(window)) ** 2, 0) / period);
      const moments = rollingMoments(values, period, 'population', first);
      return (
        difference(moments.mean, of(mean)) < 1e-6 &&
        difference(moments.deviation, of(deviation)) < 1e-6 &&
        difference(rollingMean(values, period, first), moments.mean) === 0 &&
        (first > 0 ||
          (difference(
            rollingExtreme(values, period, 'highest'),
            of((w) => Math.max(...w)),
          ) === 0 &&
            difference(
              rollingExtreme(values, period, 'lowest'),
              of((w) => Math.min(...w)),
            ) === 0))
      );
    }),
    { numRuns: 500 },
  );
  t.end();
});

void t.test(
  'a small movement on a high level is not lost, and a flat window has no deviation at all',
  (t) => {
    const high = Float64Array.from({ length: 5000 }, (_, row) => 1e9 + (row % 2) * 1e-3);
    const { deviation } = rollingMoments(high, 100, 'population');
    t.ok(deviation.slice(99).every((value) => Math.abs(value - 0.0005) < 1e-7));
    // After a wild stretch: running sums would leave a rest here.
    const wild = Float64Array.from({ length: 300 }, (_, row) =>
      row < 200 ? 1e12 * Math.sin(row * row) : 0.1,
    );
    const moments = rollingMoments(wild, 30, 'population');
    t.ok(moments.deviation.slice(229).every((value) => value === 0));
    t.ok(moments.mean.slice(229).every((value) => value === 0.1));
    t.end();
  },
);
