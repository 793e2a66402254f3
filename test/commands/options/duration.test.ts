import fc from 'fast-check';
import t from 'tap';
import { duration, formatDuration } from '../../../src/commands/options/duration.js';
import { ValueProblem } from '../../../src/commands/options/parser.js';

t.test('reads every unit', async (t) => {
  const expected: [string, number][] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['0s', 0],
  ];
  for (const [text, ms] of expected) t.equal(duration()(text), ms, text);
});

t.test('a number without a unit is refused with the two readings it could have', async (t) => {
  t.throws(() => duration()('300'), new ValueProblem('has no unit: write a duration such as 300ms or 300s'));
});

t.test('refuses what is no duration', async (t) => {
  for (const text of ['', ' 1s', '1 s', '-1s', '1S', 's', '1e3ms', '1.s', '.5s', '5min', '1s1s', 'NaNs']) {
    t.throws(
      () => duration()(text),
      new ValueProblem('is not a duration (such as 500ms, 10s, 5m, 1h)'),
      text,
    );
  }
});

t.test('keeps the range, both ends included', async (t) => {
  const parse = duration({ min: 10, max: 60_000 });
  t.equal(parse('10ms'), 10);
  t.equal(parse('1m'), 60_000);
  t.throws(() => parse('9ms'), new ValueProblem('is out of range (10ms to 1m)'));
  t.throws(() => parse('61s'), new ValueProblem('is out of range (10ms to 1m)'));
  t.throws(() => duration()('99999999999999999999d'), { message: /^is out of range/ });
});

t.test('reads back what formatDuration writes', async () => {
  fc.assert(fc.property(fc.nat({ max: 366 * 86_400_000 }), (ms) => duration()(formatDuration(ms)) === ms));
});
