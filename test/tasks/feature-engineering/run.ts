import fc from 'fast-check';
import { featureEngineering } from '../../../src/tasks/feature-engineering/handler.js';
import { testContext } from '../context.js';

export interface Series {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** The columns of some features of some columns. */
export function columnsOf(ohlcv: object, features: readonly object[], options: object = {}) {
  const { columns } = featureEngineering({ ohlcv, features, ...options }, testContext().context);
  return columns;
}

/** The one column of that name. */
export function columnOf(ohlcv: object, feature: object, name: string): Float64Array {
  const column = columnsOf(ohlcv, [feature])[name];
  if (column === undefined) throw new RangeError(`no column ${name}`);
  return column;
}

/** Candles from steps of the close (in percent), ranges above and below it, and volumes. */
export function candles(
  rows: readonly { step: number; above: number; below: number; volume: number }[],
): Series {
  let price = 100;
  const close = Float64Array.from(rows, ({ step }) => (price *= 1 + step / 100));
  const pick = (of: (price: number, row: (typeof rows)[number]) => number) =>
    Float64Array.from(rows, (row, i) => of(close[i] ?? NaN, row));
  return {
    open: pick((price) => price),
    high: pick((price, { above }) => price * (1 + above / 100)),
    low: pick((price, { below }) => price * (1 - below / 100)),
    close,
    volume: pick((_, { volume }) => volume),
  };
}

/** Random candles; steps of 0 are common, so that flat stretches occur, but the first three rows move. */
export function anyCandles(minLength: number, maxLength: number): fc.Arbitrary<Series> {
  const percent = fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: percentBelow(5) },
  );
  const row = fc.record({
    step: percent.chain((size) => fc.constantFrom(size, -size)),
    above: percentBelow(3),
    below: percentBelow(3),
    volume: fc.nat(1_000_000),
  });
  const moving = [0, 1, -2].map((step) => ({ step, above: 1, below: 1, volume: 1000 }));
  return fc
    .array(row, { minLength: minLength - moving.length, maxLength: maxLength - moving.length })
    .map((rows) => candles([...moving, ...rows]));
}

function percentBelow(max: number) {
  return fc.double({ min: 0, max, noNaN: true });
}

/** Pseudorandom candles, the same for the same seed. */
export function seededCandles(rows: number, seed = 1): Series {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return candles(
    Array.from({ length: rows }, () => ({
      step: (random() - 0.5) * 4,
      above: random() * 2,
      below: random() * 2,
      volume: Math.floor(random() * 1e6),
    })),
  );
}

/** The largest difference of two columns relative to their size; Infinity when a value is missing in one of them alone. */
export function difference(a: Float64Array, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((worst, x, row) => {
    const y = b[row] ?? NaN;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y) ? worst : Infinity;
    return Math.max(worst, Math.abs(x - y) / Math.max(1, Math.abs(x), Math.abs(y)));
  }, 0);
}

/** The index of the first row that has a value. */
export function firstRow(column: Float64Array): number {
  return column.findIndex((value) => !Number.isNaN(value));
}
