import { Moments } from '../../src/reasoning/statistics/moments.js';
import { Network } from '../../src/tasks/neural-training/network.js';
import { parseNeuralTrainingInput } from '../../src/tasks/neural-training/input.js';
import { DAYS, HORIZON } from './forecasts.js';
import type { Features } from './features.js';
import type { Prices } from './prices.js';
import { have, type Work } from './work.js';

/** Columns that the network sees. */
const INPUTS = [
  'simple_return_1',
  'simple_return_5',
  'simple_return_20',
  'rsi_14',
  'z_score_20',
  'volatility_20',
  'adx_14',
  'stochastic_14_1_3_k',
];
const EPOCHS = 15;

interface TrainingResult {
  readonly version: number;
  /** By epoch. */
  readonly loss: readonly number[];
  readonly weights: readonly Float64Array[];
}

export interface Trained {
  readonly samples: number;
  readonly updates: number;
  readonly loss: readonly number[];
  readonly tookMs: number;
  /** Of the days that it has not seen. */
  readonly days: number;
  readonly right: number;
  readonly rose: number;
}

/**
 * Trains a network to tell from a day's features whether the price will be higher `HORIZON` days later, on all days before the
 * last `DAYS`, and lets it tell that of those. What it got right is reported as the outcome.
 */
export async function train(work: Work, prices: Prices, features: Features): Promise<Trained> {
  const { closes } = prices;
  const known = daysWith(features, closes.length - HORIZON);
  const unseen = closes.length - DAYS;
  const rows = scaledRows(features, known, unseen - HORIZON);
  const rises = (day: number) => ((closes[day + HORIZON] ?? 0) > (closes[day] ?? 0) ? 1 : 0);
  const before = known.filter((day) => day < unseen - HORIZON);
  const input = parseNeuralTrainingInput({
    model: {
      inputs: INPUTS.length,
      layers: [
        { units: 16, activation: 'tanh' },
        { units: 1, activation: 'sigmoid' },
      ],
      loss: 'binary-cross-entropy',
    },
    optimizer: { name: 'adam', learningRate: 0.01 },
    samples: before.map(rows),
    labels: before.map(rises),
    epochs: EPOCHS,
    batchSize: 256,
    shards: 2,
  });
  const { taskId, result, tookMs } = await have<TrainingResult>(work, { kind: 'neural-training', input });
  const network = new Network(input.model);
  const weights = Float64Array.from(result.weights.flatMap((part) => [...part]));
  const after = known.filter((day) => day >= unseen);
  const right = after.filter((day) => {
    const rise = (network.predict(weights, rows(day))[0] ?? 0) > 0.5;
    return rise === (rises(day) === 1);
  }).length;
  await work.client.reportOutcome(taskId, { value: (2 * right) / after.length - 1 });
  return {
    samples: before.length,
    updates: result.version,
    loss: result.loss,
    tookMs,
    days: after.length,
    right,
    rose: after.filter((day) => rises(day) === 1).length,
  };
}

export function reportTraining({ samples, updates, loss, tookMs, days, right, rose }: Trained): string {
  const [first = NaN] = loss;
  const percent = (count: number) => `${((100 * count) / days).toFixed(1)} %`;
  return [
    `Network on these features: ${samples.toLocaleString('en')} days, ${updates} updates in ${(tookMs / 1000).toFixed(1)} s`,
    `  loss ${first.toFixed(4)} in the first epoch, ${(loss.at(-1) ?? NaN).toFixed(4)} in the last of ${loss.length}`,
    `  direction right for ${right} of ${days} days it had not seen: ${percent(right)} (${percent(rose)} rose)`,
  ].join('\n');
}

/** Days before `end` on which all columns have a value. */
function daysWith(features: Features, end: number): number[] {
  return Array.from({ length: end }, (_, day) => day).filter((day) =>
    INPUTS.every((name) => Number.isFinite(features[name]?.[day])),
  );
}

/** Rows of inputs by day, with mean 0 and deviation 1 over the days before `until`: what comes later is not known then. */
function scaledRows(
  features: Features,
  days: readonly number[],
  until: number,
): (day: number) => Float64Array {
  const columns = INPUTS.map((name) => {
    const column = features[name] ?? new Float64Array();
    const { mean, variance } = Moments.of(days.filter((day) => day < until).map((day) => column[day] ?? 0));
    return (day: number) => ((column[day] ?? 0) - mean) / Math.sqrt(variance);
  });
  return (day) => Float64Array.from(columns, (scaled) => scaled(day));
}
