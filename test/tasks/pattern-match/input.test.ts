import fc from 'fast-check';
import t from 'tap';
import { TaskInputError } from '../../../src/tasks/kind.js';
import { parsePatternMatchInput } from '../../../src/tasks/pattern-match/input.js';

const windows = {
  current: [1, 2, 3],
  historical: [
    [1, 2, 3],
    [4, 5, 6, 7],
  ],
};
const series = { current: [1, 2, 3], series: [1, 2, 3, 4, 5, 6] };

void t.test('fills in the defaults', (t) => {
  const defaults = {
    metric: 'dtw',
    window: null,
    normalize: false,
    cost: 'squared',
    epsilon: 0.5,
    delta: null,
    symbols: 'values',
    horizon: 5,
    similarityThreshold: 0,
    kernel: 'builtin',
  };
  t.same(parsePatternMatchInput(windows), {
    current: Float64Array.of(1, 2, 3),
    historical: [Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6, 7)],
    k: 2,
    ...defaults,
  });
  t.same(parsePatternMatchInput(series), {
    current: Float64Array.of(1, 2, 3),
    series: Float64Array.of(1, 2, 3, 4, 5, 6),
    exclusion: 2,
    k: 4,
    ...defaults,
  });
  t.equal(parsePatternMatchInput({ ...series, metric: 'lcs' }).epsilon, 0);
  t.equal(parsePatternMatchInput({ ...series, series: new Array<number>(50).fill(1) }).k, 5);
  t.end();
});

void t.test('takes typed arrays as they are, and null for a field not given', (t) => {
  const current = Float64Array.of(1, 2);
  const parsed = parsePatternMatchInput({
    current,
    series: Float32Array.of(0.5, 1, 2),
    historical: null,
    k: null,
    horizon: null,
    exclusion: null,
  });
  t.equal(parsed.current, current, 'not copied');
  t.same('series' in parsed && parsed.series, Float64Array.of(0.5, 1, 2));
  t.equal(parsed.horizon, 5);
  t.end();
});

void t.test('names each fault', (t) => {
  const faults: [string, unknown, string][] = [
    ['not an object', [1, 2], 'input: must be an object'],
    ['nothing', undefined, 'input: must be an object'],
    ['null', null, 'input: must be an object'],
    ['binary', new Float64Array(3), 'input: must be an object'],
    [
      'unknown field',
      { ...series, metrik: 'dtw' },
      'metrik: is not a known field; known are current, windows,',
    ],
    ['no current', { series: [1] }, 'current: must be a list of numbers; it is missing'],
    ['empty current', { ...series, current: [] }, 'current: is empty; give at least 1 number'],
    ['text for a list', { ...series, current: 'abc' }, "current: must be a list of numbers; it is 'abc'"],
    ['bytes for a list', { ...series, current: new Uint8Array(3) }, 'current: must be a list of numbers'],
    ['NaN', { ...series, series: [1, 2, NaN] }, 'series[2]: must be a finite number; it is NaN'],
    ['typed NaN', { ...series, series: Float64Array.of(1, 2, 3, NaN) }, 'series[3]: must be a finite number'],
    ['Infinity', { ...series, current: [-Infinity] }, 'current[0]: must be a finite number; it is -Infinity'],
    ['null element', { ...series, series: [1, null, 3] }, 'series[1]: must be a finite number; it is null'],
    ['text element', { ...series, series: [1, 2, '3'] }, "series[2]: must be a finite number; it is '3'"],
    ['nested list', { ...series, current: [1, [2]] }, 'current[1]: must be a finite number; it is a list'],
    [
      'hole',
      { ...series, series: new Array<number>(5) },
      'series[0]: must be a finite number; it is missing',
    ],
    [
      'too large',
      { ...series, series: [1, 2, 1e200] },
      'series[2]: is 1e+200; numbers from -1e+150 to 1e+150',
    ],
    ['both', { ...series, ...windows }, 'series: cannot be given beside historical; give one of them'],
    ['none', { current: [1] }, 'historical: is missing; give historical (a list of windows) or series'],
    [
      'short series',
      { current: [1, 2, 3], series: [1, 2] },
      'series: has 2 points, fewer than the 3 of current',
    ],
    ['empty series', { current: [1], series: [] }, 'series: is empty'],
    ['empty historical', { current: [1], historical: [] }, 'historical: is empty; give at least one window'],
    [
      'flat historical',
      { current: [1], historical: [1, 2] },
      'historical[0]: must be a list of numbers; it is 1',
    ],
    [
      'typed historical',
      { current: [1], historical: Float64Array.of(1) },
      'historical: must be a list of windows',
    ],
    ['empty window', { current: [1], historical: [[1], []] }, 'historical[1]: is empty'],
    [
      'NaN in a window',
      { current: [1], historical: [[1], [2, NaN]] },
      'historical[1][1]: must be a finite number',
    ],
    ['metric', { ...series, metric: 'DTW' }, "metric: must be one of 'dtw', 'lcss', 'lcs'; it is 'DTW'"],
    ['k 0', { ...series, k: 0 }, 'k: must be an integer from 1 to 10000; it is 0'],
    ['k 1.5', { ...series, k: 1.5 }, 'k: must be an integer'],
    ['k text', { ...series, k: '5' }, "k: must be an integer from 1 to 10000; it is '5'"],
    ['k too large', { ...windows, k: 3 }, 'k: is 3, but there are 2 candidates'],
    ['k over one', { current: [1], series: [1], k: 2 }, 'k: is 2, but there is 1 candidate'],
    ['window negative', { ...series, window: -1 }, 'window: must be an integer from 0'],
    [
      'window too large',
      { ...series, window: 7 },
      'window: is 7, larger than the longest series (6 points); use null',
    ],
    [
      'window too small',
      {
        current: [1, 2, 3],
        historical: [
          [1, 2, 3],
          [1, 2, 3, 4, 5],
        ],
        window: 1,
      },
      'window: is 1, too small for historical[1]: its 5 points and the 3 of current differ by 2, so no alignment exists; use at least 2',
    ],
    ['normalize', { ...series, normalize: 1 }, 'normalize: must be true or false; it is 1'],
    ['cost', { ...series, cost: 'cubic' }, "cost: must be one of 'squared', 'absolute'"],
    ['epsilon', { ...series, epsilon: -0.1 }, 'epsilon: must be a number from 0'],
    ['epsilon NaN', { ...series, epsilon: NaN }, 'epsilon: must be a number from 0'],
    ['delta', { ...series, delta: 2.5 }, 'delta: must be an integer from 0'],
    ['delta too large', { ...series, delta: 70 }, 'delta: is 70, larger than the longest series'],
    ['horizon', { ...series, horizon: -1 }, 'horizon: must be an integer from 0'],
    ['exclusion', { ...series, exclusion: -1 }, 'exclusion: must be an integer from 0'],
    ['exclusion of windows', { ...windows, exclusion: 1 }, 'exclusion: needs series'],
    ['outcomes of a series', { ...series, outcomes: [1] }, 'outcomes: needs historical'],
    [
      'outcomes too few',
      { ...windows, outcomes: [1] },
      'outcomes: has 1 elements for 2 windows; give one for each',
    ],
    ['symbols', { ...series, symbols: 'up' }, "symbols: must be one of 'values', 'directions'"],
    [
      'one point has no direction',
      { current: [1], series: [1, 2], metric: 'lcs', symbols: 'directions' },
      'current: has 1 point and so no direction',
    ],
    [
      'too many points',
      { current: [1], series: new Float64Array(10_000_000) },
      'series: brings the input over 10000000',
    ],
  ];
  for (const [name, input, message] of faults) {
    try {
      parsePatternMatchInput(input);
      t.fail(`${name}: accepted`);
    } catch (error) {
      t.ok(error instanceof TaskInputError && error.message.startsWith(message), `${name}: ${String(error)}`);
    }
  }
  t.end();
});

void t.test('a window that only limits other metrics needs no alignment', (t) => {
  const uneven = { current: [1, 2, 3], historical: [[1, 2, 3, 4, 5]], window: 1 };
  t.equal(parsePatternMatchInput({ ...uneven, metric: 'lcss' }).window, 1);
  t.end();
});

void t.test('parsing twice is parsing once; whatever comes, only TaskInputError is thrown', (t) => {
  const point = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: -9, max: 9 }) }, fc.anything());
  const list = fc.oneof({ weight: 9, arbitrary: fc.array(point, { maxLength: 8 }) }, fc.anything());
  const small = fc.oneof(fc.integer({ min: -1, max: 9 }), fc.constant(null), fc.anything());
  const input = fc.record(
    {
      current: list,
      historical: fc.oneof(fc.array(list, { maxLength: 4 }), fc.anything()),
      outcomes: list,
      series: list,
      exclusion: small,
      metric: fc.oneof(fc.constantFrom('dtw', 'lcss', 'lcs'), fc.anything()),
      k: small,
      window: small,
      normalize: fc.oneof(fc.boolean(), fc.anything()),
      epsilon: small,
      delta: small,
      symbols: fc.constantFrom('values', 'directions'),
      horizon: small,
    },
    { requiredKeys: ['current'] },
  );
  const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 8 });
  const valid = fc.record({
    current: numbers,
    historical: fc.array(numbers, { minLength: 1, maxLength: 4 }),
  });
  const some = fc.oneof({ weight: 20, arbitrary: input }, { weight: 5, arbitrary: valid }, fc.anything());
  let accepted = 0;
  fc.assert(
    fc.property(some, (input) => {
      try {
        const parsed = parsePatternMatchInput(input);
        accepted += 1;
        t.same(parsePatternMatchInput(parsed), parsed);
      } catch (error) {
        if (!(error instanceof TaskInputError)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
  t.ok(accepted > 0, 'some inputs were valid');
  t.end();
});
