import t from 'tap';
import { parsePatternTask } from '../../../src/tasks/pattern-match/input.js';
import { patternMatchContext, patternMatchTuning } from '../../../src/tasks/pattern-match/tuning.js';

const inputs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'dimensions as a list': {
    current: [
      [1, 2, 3],
      [4, 5, 7],
    ],
    series: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  },
  'dimensions by name': { current: { a: [1, 2, 3], b: [4, 5, 7] }, historical: [{ a: [1], b: [2] }] },
  'a stream of windows': {
    windows: [
      [1, 2],
      [1, 2, 3, 4],
    ],
    historical: [[1], [1, 2, 3, 4, 5, 6]],
  },
  'a stream of many windows': {
    windows: Array.from({ length: 101 }, () => [1]),
    series: new Float64Array(10_000),
  },
  'a stream in a series': { windows: [[1], [1, 2, 3]], series: [1, 2, 3, 4] },
};

void t.test('what an agent was told is fitted to every shape of input, so that none is refused', (t) => {
  for (const [shape, input] of Object.entries(inputs)) {
    for (const [k, window] of [
      [1, 0],
      [10_000, 10_000],
    ] as const) {
      const fitted = {
        ...input,
        k: patternMatchTuning.fit('k', k, input),
        window: patternMatchTuning.fit('window', window, input),
      };
      t.doesNotThrow(() => parsePatternTask(fitted), `${shape}: ${JSON.stringify(fitted)}`);
    }
  }
  const foreign = { current: [1, 2], series: [1, 2, 3], kernel: 'midstreamer' };
  t.equal(patternMatchTuning.fit('window', 1, foreign), null);
  t.end();
});

void t.test('points are points in time, whatever the dimensions', (t) => {
  t.match(patternMatchContext(inputs['dimensions as a list']), { points: 3, candidates: 2 });
  t.match(patternMatchContext(inputs['dimensions by name']), { points: 3, candidates: 1 });
  t.match(patternMatchContext(inputs['a stream in a series']), { points: 3, candidates: 2 });
  t.end();
});
