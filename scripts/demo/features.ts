import type { FeatureEngineeringOutput } from '../../src/tasks/feature-engineering/handler.js';
import type { Prices } from './prices.js';
import { have, type Done, type Work } from './work.js';

/** What a network sees of a day, beside what the report shows of the last one. */
const FEATURES = [
  { name: 'simple-return', period: 1 },
  { name: 'simple-return', period: 5 },
  { name: 'simple-return', period: 20 },
  { name: 'rsi', period: 14 },
  { name: 'macd' },
  { name: 'bollinger' },
  { name: 'z-score', period: 20 },
  { name: 'volatility', period: 20 },
  { name: 'adx', period: 14 },
  { name: 'stochastic', period: 14 },
];

export type Features = FeatureEngineeringOutput['columns'];

export function makeFeatures(work: Work, prices: Prices): Promise<Done<FeatureEngineeringOutput>> {
  const { opens: open, highs: high, lows: low, closes: close } = prices;
  const input = { ohlcv: { open, high, low, close }, features: FEATURES };
  return have(work, { kind: 'feature-engineering', input });
}

export function reportFeatures(
  { result: { rows, columns }, tookMs }: Done<FeatureEngineeringOutput>,
  prices: Prices,
): string {
  const last = (name: string, digits: number) => columns[name]?.at(-1)?.toFixed(digits) ?? '-';
  const share = (name: string) => `${(100 * (columns[name]?.at(-1) ?? NaN)).toFixed(1)} %`;
  return [
    `Features: ${Object.keys(columns).length} columns of ${rows.toLocaleString('en')} days in ${tookMs.toFixed(0)} ms; on ${prices.dates.at(-1) ?? ''}`,
    `  RSI ${last('rsi_14', 1)}   MACD ${last('macd_12_26_9', 1)}   ADX ${last('adx_14', 1)}   volatility ${share('volatility_20')} a day   20 days ${share('simple_return_20')}`,
    `  Bollinger ${last('bollinger_20_2_lower', 0)} to ${last('bollinger_20_2_upper', 0)}, close ${(prices.closes.at(-1) ?? NaN).toFixed(0)}`,
  ].join('\n');
}
