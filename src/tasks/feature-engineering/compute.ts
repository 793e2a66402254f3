import { calendar } from './calendar.js';
import { atr, directionalMovement, type Prices } from './directional.js';
import type { Feature } from './features.js';
import type { Columns } from './ohlcv.js';
import type { Source } from './options.js';
import { obv } from './obv.js';
import { bollinger, macd, rsi, stochastic } from './oscillators.js';
import { drawdown, returns, seriesOf, volatility, zScore } from './returns.js';
import { rollingMean } from './rolling.js';
import { ema } from './smoothing.js';

/** The columns of one feature, in the order of its plan's `outputs`. They share no memory with the input. */
export function compute(feature: Feature, columns: Columns): readonly Float64Array[] {
  switch (feature.name) {
    case 'simple-return':
    case 'log-return':
      return [returns(column(columns, feature.source), feature.period, feature.name)];
    case 'rolling-mean': {
      const { series, first } = seriesOf(column(columns, feature.source), feature.of);
      return [rollingMean(series, feature.period, first)];
    }
    case 'volatility': {
      const { period, of, deviation, periodsPerYear } = feature;
      return [volatility(column(columns, feature.source), period, of, deviation, periodsPerYear)];
    }
    case 'z-score':
      return [zScore(column(columns, feature.source), feature.period, feature.of, feature.deviation)];
    case 'sma':
      return [rollingMean(column(columns, feature.source), feature.period)];
    case 'ema':
      return [ema(column(columns, feature.source), feature.period, feature.seed)];
    case 'rsi':
      return [rsi(column(columns, feature.source), feature.period)];
    case 'macd': {
      const { fast, slow, signal: signalPeriod, seed } = feature;
      const { line, signal, histogram } = macd(
        column(columns, feature.source),
        fast,
        slow,
        signalPeriod,
        seed,
      );
      return [line, signal, histogram];
    }
    case 'bollinger': {
      const { period, deviations, deviation } = feature;
      const { upper, middle, lower } = bollinger(
        column(columns, feature.source),
        period,
        deviations,
        deviation,
      );
      return [upper, middle, lower];
    }
    case 'atr':
      return [atr(prices(columns), feature.period, feature.firstRange)];
    case 'adx': {
      const { adx, plus, minus } = directionalMovement(prices(columns), feature.period);
      return [adx, plus, minus];
    }
    case 'stochastic': {
      const { k, d } = stochastic(prices(columns), feature.period, feature.slowing, feature.signal);
      return [k, d];
    }
    case 'obv':
      return [obv(column(columns, 'close'), column(columns, 'volume'))];
    case 'drawdown': {
      const { current, worst } = drawdown(column(columns, feature.source));
      return [current, worst];
    }
    case 'calendar':
      return calendar(column(columns, 'time'), feature.parts, feature.encoding);
  }
}

function prices(columns: Columns): Prices {
  return { high: column(columns, 'high'), low: column(columns, 'low'), close: column(columns, 'close') };
}

/** A column that the check of the input has found there. */
function column(columns: Columns, name: Source | 'time'): Float64Array {
  const values = columns[name];
  if (values === undefined) throw new RangeError(`the input has no column ${name}`);
  return values;
}
