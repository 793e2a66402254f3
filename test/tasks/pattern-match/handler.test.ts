import t from 'tap';
import { patternMatch } from '../../../src/tasks/pattern-match/handler.js';
import { patternMatchKind } from '../../../src/tasks/pattern-match/kind.js';
import { testContext } from '../context.js';

const wave = Float64Array.from({ length: 3000 }, (_, i) => Math.sin(i * i));
const long = { current: wave.slice(0, 120), series: wave, metric: 'lcss', epsilon: 0.1 };

void t.test('runs an input as JSON brings it, or in wire form', (t) => {
  const input = {
    current: [1, 2, 3],
    historical: [
      [1, 2, 3],
      [3, 2, 1],
    ],
  };
  const { computeTimeMs, ...matches } = patternMatch(input, testContext().context);
  t.ok(computeTimeMs >= 0);
  t.match(matches, {
    patternType: 'dtw-windows',
    matches: [{ index: 0 }, { index: 1 }],
    expectedOutcome: null,
  });
  t.match(patternMatch(patternMatchKind.parseInput(input), testContext().context), matches);
  t.end();
});

void t.test('a bad input is named', (t) => {
  t.throws(() => patternMatch({ current: [] }, testContext().context), {
    name: 'TaskInputError',
    path: 'current',
  });
  t.end();
});

void t.test('reports rising progress in steps of a hundredth', (t) => {
  const { context, fractions } = testContext();
  patternMatch(long, context);
  t.ok(fractions.length > 5, `${fractions.length} reports`);
  t.ok(fractions.every((fraction, i) => fraction <= 1 && fraction - (fractions[i - 1] ?? 0) >= 0.01));
  t.end();
});

void t.test('ends with the reason of the abort', (t) => {
  const { context, controller, fractions } = testContext();
  const aborting = {
    ...context,
    progress: (fraction: number) => {
      context.progress(fraction);
      controller.abort(new Error('no longer wanted'));
    },
  };
  t.throws(() => patternMatch(long, aborting), { message: 'no longer wanted' });
  t.equal(fractions.length, 1);
  t.end();
});
