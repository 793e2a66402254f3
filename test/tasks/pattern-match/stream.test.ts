import t from 'tap';
import { patternMatch } from '../../../src/tasks/pattern-match/handler.js';
import { parsePatternMatchInput, parsePatternTask } from '../../../src/tasks/pattern-match/input.js';
import { match, matchStream } from '../../../src/tasks/pattern-match/match.js';
import { testContext } from '../context.js';

const wave = Float64Array.from({ length: 3000 }, (_, i) => Math.sin(i * i) + i / 1000);
const windows = [wave.slice(100, 220), wave.slice(700, 760), wave.slice(2000, 2120)];

const stream = (input: unknown) => {
  const parsed = parsePatternTask(input);
  if (!('windows' in parsed)) throw new Error('a stream');
  return matchStream(parsed);
};

void t.test('each window gets the answer that it would get alone', (t) => {
  for (const options of [{ normalize: true }, { metric: 'lcss', epsilon: 0.1 }, { exclusion: 7 }]) {
    const { patternType, results } = stream({ windows, series: wave, k: 4, ...options });
    t.equal(results.length, windows.length);
    results.forEach((result, index) => {
      const alone = match(
        parsePatternMatchInput({ current: windows[index], series: wave, k: 4, ...options }),
      );
      t.same({ patternType, ...result }, alone);
    });
  }
  const historical = [wave.slice(0, 100), wave.slice(100, 220), wave.slice(300, 360)];
  const { results } = stream({ windows, historical, outcomes: [1, 2, 3] });
  t.same(
    results[0],
    (({ patternType: _, ...rest }) => rest)(
      match(parsePatternMatchInput({ current: windows[0], historical, outcomes: [1, 2, 3] })),
    ),
  );
  t.equal(results.length, 3);
  t.end();
});

void t.test('progress rises over the whole stream, and an abort ends it', (t) => {
  const { context, fractions } = testContext();
  const input = { windows, series: wave, metric: 'lcss', epsilon: 0.1 };
  const result = patternMatch(input, context);
  t.ok('results' in result && result.computeTimeMs >= 0);
  t.ok(fractions.length > 10);
  t.ok(fractions.every((fraction, i) => fraction <= 1 && fraction > (fractions[i - 1] ?? 0)));
  t.ok(fractions.some((fraction) => fraction < 1 / 3) && fractions.some((fraction) => fraction > 2 / 3));
  const aborted = testContext();
  aborted.controller.abort(new Error('no longer wanted'));
  t.throws(() => patternMatch(input, aborted.context), { message: 'no longer wanted' });
  t.end();
});
