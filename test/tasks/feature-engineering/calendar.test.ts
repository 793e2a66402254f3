import t from 'tap';
import { calendar } from '../../../src/tasks/feature-engineering/calendar.js';
import { CALENDAR_PARTS } from '../../../src/tasks/feature-engineering/options.js';
import { columnsOf } from './run.js';

const DAY = 86_400_000;
const times = (...texts: string[]) => Float64Array.from(texts, (text) => Date.parse(text));

void t.test('parts as numbers', (t) => {
  const [week, month, year, moon, quarter, hour] = calendar(
    times('1969-12-31T23:59:59.999Z', '1970-01-01', '2000-02-29T13:30Z', '2024-12-29', '2024-12-31'),
    CALENDAR_PARTS,
    'number',
  );
  t.same(week, Float64Array.of(3, 4, 2, 7, 2), 'Monday is 1, Sunday 7');
  t.same(month, Float64Array.of(31, 1, 29, 29, 31));
  t.same(year, Float64Array.of(365, 1, 60, 364, 366));
  t.same(moon, Float64Array.of(12, 1, 2, 12, 12));
  t.same(quarter, Float64Array.of(4, 1, 1, 4, 4));
  t.same(hour, Float64Array.of(23, 0, 13, 0, 0));
  t.end();
});

void t.test('the hour changes within a day, and nothing is carried into the next', (t) => {
  const hours = Float64Array.from({ length: 100 }, (_, row) => row * 1_800_000);
  const [hour, day] = calendar(hours, ['hour', 'day-of-month'], 'number');
  t.same(
    hour,
    hours.map((_, row) => Math.floor(row / 2) % 24),
  );
  t.same(
    day,
    hours.map((_, row) => Math.floor(row / 48) + 1),
  );
  t.end();
});

void t.test('the turn of the month: its last weekday and its first three', (t) => {
  const daysOf = (first: string, days: number) => {
    const start = Date.parse(first);
    const [flags] = calendar(
      Float64Array.from({ length: days }, (_, day) => start + day * DAY),
      ['turn-of-month'],
      'cyclic',
    );
    return [...(flags ?? [])].flatMap((flag, day) => (flag === 1 ? [day + 1] : []));
  };
  // January 2024 began on a Monday and ended on a Wednesday.
  t.same(daysOf('2024-01-01', 31), [1, 2, 3, 31]);
  // June 2024: from a Saturday to a Sunday; its weekdays begin on the 3rd and end on the 28th.
  t.same(daysOf('2024-06-01', 30), [1, 2, 3, 4, 5, 28, 29, 30]);
  // March 2024: from a Friday to a Sunday.
  t.same(daysOf('2024-03-01', 31), [1, 2, 3, 4, 5, 29, 30, 31]);
  t.end();
});

void t.test('cycles are points on a circle, each as far from the next as any other', (t) => {
  const year = Float64Array.from({ length: 366 }, (_, day) => Date.UTC(2024, 0) + day * DAY);
  for (const [part, count] of [
    ['day-of-week', 7],
    ['day-of-year', 366],
  ] as const) {
    const [sine, cosine] = calendar(year, [part], 'cyclic');
    t.ok(
      year.every((_, row) => Math.abs((sine?.[row] ?? NaN) ** 2 + (cosine?.[row] ?? NaN) ** 2 - 1) < 1e-12),
    );
    const step = 2 * Math.sin(Math.PI / count);
    const apart = year
      .slice(1)
      .map((_, row) =>
        Math.hypot(
          (sine?.[row + 1] ?? NaN) - (sine?.[row] ?? NaN),
          (cosine?.[row + 1] ?? NaN) - (cosine?.[row] ?? NaN),
        ),
      );
    t.ok(
      apart.every((distance) => Math.abs(distance - step) < 1e-12),
      part,
    );
  }
  const [sine, cosine] = calendar(
    times('2023-02-01', '2023-02-08', '2024-02-01'),
    ['day-of-month'],
    'cyclic',
  );
  t.ok(Math.abs((sine?.[1] ?? NaN) - 1) < 1e-12, 'a quarter of the 28 days of February is over');
  t.same([sine?.[0], cosine?.[0], cosine?.[2]], [0, 1, 1], 'the 1st is at the top');
  t.end();
});

void t.test('times may be text or milliseconds', (t) => {
  const features = [{ name: 'calendar', parts: ['day-of-month', 'hour'] }];
  const text = columnsOf(
    { time: ['2024-02-29', '2024-03-01T01:30:00+02:00', '2024-03-01T14:30:00.5Z'] },
    features,
  );
  t.same(text, {
    calendar_day_of_month: Float64Array.of(29, 29, 1),
    calendar_hour: Float64Array.of(0, 23, 14),
  });
  t.same(
    columnsOf(
      { time: [Date.UTC(2024, 1, 29), Date.UTC(2024, 1, 29, 23, 30), Date.UTC(2024, 2, 1, 14, 30)] },
      features,
    ),
    text,
  );
  t.end();
});
