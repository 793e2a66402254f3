import t from 'tap';
import { encodeInput } from '../../src/client/task.js';
import { admitTask } from '../../src/coordinator/core/tasks/admission.js';
import { encodeValue } from '../../src/protocol/value.js';
import { TaskInputError } from '../../src/tasks/kind.js';
import { taskKinds } from '../../src/tasks/registry.js';

/** Each bad input of each kind, and the path that has to be named. */

type Rows = readonly (readonly [fault: string, change: Readonly<Record<string, unknown>>, path: string])[];
interface Table {
  /** An input that is good. */
  readonly good: Readonly<Record<string, unknown>>;
  readonly rows: Rows;
}

const prices = [10, 11, 12, 11, 10, 9];
const [times, unsorted] = [
  [1, 2, 3, 4, 5, 6],
  [1, 3, 2, 4, 5, 6],
].map((days) => days.map((day) => `2024-01-0${day}`));
const ohlcv = { close: prices, time: times };

/** Inputs whose price is always the same and whose volume is 0; and whose price grows by the same share each row. */
const priced =
  (factor: number) =>
  (feature: object): Readonly<Record<string, unknown>> => {
    const close = prices.map((_, row) => 7 * factor ** row);
    const ohlcv = { high: close, low: close, close, volume: prices.map(() => 0) };
    return { ohlcv, features: [feature] };
  };
const flat = priced(1);
const growing = priced(1.01);

const tables: Readonly<Record<string, Table>> = {
  'pattern-match': {
    good: { current: [1, 2, 3], series: prices },
    rows: [
      ['empty query', { current: [] }, 'current'],
      ['empty series', { series: [] }, 'series'],
      ['empty list of windows', { series: null, historical: [] }, 'historical'],
      ['empty stream', { current: null, windows: [] }, 'windows'],
      ['NaN', { series: [1, 2, NaN, 4] }, 'series[2]'],
      ['Infinity', { current: [1, Infinity] }, 'current[1]'],
      ['NaN in a stream', { current: null, windows: [[1, 2], [NaN]] }, 'windows[1][0]'],
      ['NaN in a dimension', { current: { a: [1], b: [NaN] } }, 'current.b[0]'],
      ['ragged list', { current: [1, [2]] }, 'current[1]'],
      [
        'ragged dimensions',
        { current: { a: [1, 2], b: [1] }, series: { a: prices, b: prices } },
        'current.b',
      ],
      ['ragged list of dimensions', { current: [[1, 2], [1]], series: [prices, prices] }, 'current[1]'],
      ['another dimension', { current: { a: [1], b: [2] }, series: { a: prices, c: prices } }, 'series'],
      ['fewer dimensions', { current: { a: [1], b: [2] } }, 'series'],
      ['no dimension', { current: {} }, 'current'],
      ['wrong length of outcomes', { series: null, historical: [[1], [2]], outcomes: [1] }, 'outcomes'],
      ['wrong length of weights', { current: [[1], [2]], series: [prices, prices], weights: [1] }, 'weights'],
      [
        'weight of no dimension',
        { current: { a: [1], b: [2] }, series: { a: prices, b: prices }, weights: { c: 1 } },
        'weights.c',
      ],
      ['weight below 0', { current: [[1], [2]], series: [prices, prices], weights: [1, -1] }, 'weights[1]'],
      ['weights all 0', { current: [[1], [2]], series: [prices, prices], weights: [0, 0] }, 'weights'],
      ['weights of one dimension', { weights: [1] }, 'weights'],
      ['k larger than the data', { k: 5 }, 'k'],
      ['k larger than the data of a stream', { current: null, windows: [[1], [1, 2, 3, 4, 5]], k: 3 }, 'k'],
      [
        'too many matches',
        {
          current: null,
          windows: Array.from({ length: 101 }, () => [1]),
          series: new Float64Array(10_000),
          k: 10_000,
        },
        'k',
      ],
      ['window larger than the series', { window: 7 }, 'window'],
      ['query longer than the series', { current: [1, 2, 3, 4, 5, 6, 7] }, 'series'],
      [
        'window of a stream longer than the series',
        { current: null, windows: [[1], [1, 2, 3, 4, 5, 6, 7]] },
        'series',
      ],
      ['zero variance', { current: [2, 2, 2], normalize: true }, 'current'],
      ['single value', { current: [2], normalize: true }, 'current'],
      [
        'zero variance of a dimension',
        { current: { a: [1, 2], b: [3, 3] }, series: { a: prices, b: prices }, normalize: true },
        'current.b',
      ],
      ['zero variance of the series', { series: [5, 5, 5, 5], normalize: true }, 'series'],
      [
        'metric of several dimensions',
        { current: [[1], [2]], series: [prices, prices], metric: 'lcss' },
        'metric',
      ],
      ['unknown kernel', { kernel: 'cuda' }, 'kernel'],
      ['kernel and metric', { kernel: 'midstreamer', metric: 'lcs' }, 'metric'],
      ['kernel and cost', { kernel: 'midstreamer', cost: 'squared' }, 'cost'],
      ['kernel and window', { kernel: 'midstreamer', window: 1 }, 'window'],
      [
        'kernel and dimensions',
        { kernel: 'midstreamer', current: [[1], [2]], series: [prices, prices] },
        'kernel',
      ],
      ['both queries', { windows: [[1]] }, 'current'],
      ['unknown parameter', { radius: 3 }, 'radius'],
    ],
  },
  'strategy-correlation': {
    good: { strategyIds: ['a', 'b'], strategies: [prices, times?.map((_, i) => i)] },
    rows: [
      ['empty', { strategyIds: [], strategies: [] }, 'strategyIds'],
      ['empty series', { strategies: [[], []] }, 'strategies[0]'],
      ['NaN', { strategies: [prices, [1, NaN, 3, 4, 5, 6]], missing: 'fail' }, 'strategies[1][1]'],
      ['Infinity', { strategies: [prices, [1, Infinity, 3, 4, 5, 6]] }, 'strategies[1][1]'],
      ['ragged', { strategies: [prices, [1, 2, 3]] }, 'strategies[1]'],
      ['single value', { strategies: [[1], [2]] }, 'strategies[0]'],
      ['one strategy', { strategyIds: ['a'], strategies: [prices] }, 'strategyIds'],
      ['wrong length', { strategies: [prices] }, 'strategies'],
      ['k larger than the data', { subset: 3 }, 'subset'],
      ['k of clusters larger than the data', { clusters: { k: 3 } }, 'clusters.k'],
      ['window larger than the series', { window: 7 }, 'window'],
      ['lag larger than the series', { maxLag: 6 }, 'maxLag'],
      ['zero variance', { strategies: [prices, [2, 2, 2, 2, 2, 2]] }, 'strategies[1]'],
      ['zero variance beside a gap', { strategies: [[7, null, 7, 7, 7, 7], prices] }, 'strategies[0]'],
      [
        'zero variance of returns',
        { strategies: [prices.map((_, day) => 7 * 1.01 ** day), prices], transform: 'returns' },
        'strategies[0]',
      ],
      ['nothing but gaps', { strategies: [prices, prices.map(() => null)] }, 'strategies[1]'],
      [
        'nothing but gaps with lcs',
        { strategies: [prices.map(() => null), prices], methods: ['lcs'] },
        'strategies[0]',
      ],
      [
        'no return among gaps',
        { strategies: [prices, [1, null, 2, null, 3, null]], transform: 'log-returns' },
        'strategies[1]',
      ],
      [
        'no point of all',
        {
          strategies: [
            [1, 2, 4, null, null, null],
            [null, 1, 2, 3, 5, 4],
          ],
          missing: 'listwise',
        },
        'missing',
      ],
      ['the same name twice', { strategyIds: ['a', 'a'] }, 'strategyIds[1]'],
      ['unknown parameter', { method: 'pearson' }, 'method'],
      ['unknown parameter of clusters', { clusters: { k: 1, link: 'average' } }, 'clusters.link'],
      ['unknown parameter of the subset', { subset: { k: 2, size: 2 } }, 'subset.size'],
      ['unknown parameter of lcs', { lcs: { bins: 3 } }, 'lcs.bins'],
    ],
  },
  'feature-engineering': {
    good: { ohlcv, features: [{ name: 'sma', period: 3 }] },
    rows: [
      ['empty', { ohlcv: {} }, 'ohlcv'],
      ['empty column', { ohlcv: { close: [] } }, 'ohlcv.close'],
      ['no feature', { features: [] }, 'features'],
      ['NaN', { ohlcv: { close: [1, 2, NaN] } }, 'ohlcv.close[2]'],
      ['Infinity', { ohlcv: { close: [1, -Infinity, 3] } }, 'ohlcv.close[1]'],
      ['ragged', { ohlcv: { close: prices, volume: [1, 2] } }, 'ohlcv.volume'],
      ['zero variance', flat({ name: 'z-score', period: 2 }), 'ohlcv.close'],
      ['zero variance of rsi', flat({ name: 'rsi', period: 2 }), 'ohlcv.close'],
      ['zero variance of returns', growing({ name: 'z-score', period: 2, of: 'log-return' }), 'ohlcv.close'],
      ['zero volume', flat({ name: 'z-score', period: 2, source: 'volume' }), 'ohlcv.volume'],
      ['no range', flat({ name: 'stochastic', period: 2, signal: 1 }), 'ohlcv.high'],
      ['no range in any row', growing({ name: 'stochastic', period: 1, signal: 1 }), 'ohlcv.high'],
      ['no true range', flat({ name: 'adx', period: 2 }), 'ohlcv.high'],
      ['unsorted', { ohlcv: { close: prices, time: unsorted } }, 'ohlcv.time[2]'],
      ['single value', { ohlcv: { close: [1] } }, 'ohlcv.close'],
      ['window larger than the series', { features: [{ name: 'sma', period: 7 }] }, 'features[0].period'],
      ['missing column', { features: [{ name: 'atr', period: 2 }] }, 'ohlcv.high'],
      ['unknown column', { ohlcv: { ...ohlcv, adjusted: prices } }, 'ohlcv.adjusted'],
      ['unknown feature', { features: [{ name: 'sharpe' }] }, 'features[0].name'],
      ['unknown parameter of a feature', { features: [{ name: 'sma', window: 3 }] }, 'features[0].window'],
      ['unknown parameter', { feature: [] }, 'feature'],
    ],
  },
  compute: {
    good: { function: 'echo', input: 1 },
    rows: [
      ['empty name', { function: '' }, 'function'],
      ['NaN', { function: 'sleep', input: NaN }, 'input'],
      ['Infinity', { function: 'sleep', input: { ms: Infinity } }, 'input.ms'],
      ['wrong type', { function: 3 }, 'function'],
      ['too large', { function: 'sleep', input: 2 ** 31 }, 'input'],
      ['unknown parameter', { args: [1] }, 'args'],
      ['unknown parameter of sleep', { function: 'sleep', input: { ms: 1, seconds: 1 } }, 'input.seconds'],
    ],
  },
};

void t.test('each fault is named by its path, before it is sent and where it arrives', (t) => {
  for (const [kind, { good, rows }] of Object.entries(tables)) {
    t.ok(admitTask(kind, encodeInput({ kind, input: good })).ok, `${kind}: good`);
    for (const [fault, change, path] of rows) {
      const input = { ...good, ...change };
      t.equal(pathOf(kind, input), path, `${kind}: ${fault}`);
      // A client that does not check sends it all the same.
      t.match(
        admitTask(kind, encodeValue(input)),
        { ok: false, name: 'BAD_INPUT', field: path },
        `${kind}: ${fault}, at the coordinator`,
      );
    }
    t.equal(pathOf(kind, [good]), '', `${kind}: a list`);
    t.equal(pathOf(kind, null), '', `${kind}: nothing`);
  }
  t.end();
});

void t.test('what is named is what the table is about: every kind with an own input is in it', (t) => {
  for (const kind of Object.keys(tables)) t.ok(taskKinds.has(kind), kind);
  t.end();
});

/** The path of the fault that a client finds; null for none. */
function pathOf(kind: string, input: unknown): string | null {
  try {
    encodeInput({ kind, input });
    return null;
  } catch (error) {
    if (error instanceof TaskInputError) return error.path;
    throw error;
  }
}
