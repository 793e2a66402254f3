import fc from 'fast-check';
import t from 'tap';
import { DelayLine } from './delay-line.js';
import { arrivals, type Impairment, PERFECT_PATH, seededRandom, withChanges } from './impairment.js';

const impairment = fc.record<Impairment>({
  delayMs: fc.integer({ min: 0, max: 1000 }),
  lossRate: fc.double({ min: 0, max: 1, noNaN: true }),
  duplicateRate: fc.double({ min: 0, max: 1, noNaN: true }),
  reorderRate: fc.double({ min: 0, max: 1, noNaN: true }),
  reorderDelayMs: fc.integer({ min: 1, max: 1000 }),
});

void t.test('a perfect path delivers each datagram once, at once', (t) => {
  t.same(arrivals(PERFECT_PATH, seededRandom(1)), [0]);
  t.end();
});

void t.test('certainties happen always', (t) => {
  fc.assert(
    fc.property(impairment, fc.integer(), (path, seed) => {
      const random = seededRandom(seed);
      t.same(arrivals({ ...path, lossRate: 1 }, random), []);
      const late = path.delayMs + path.reorderDelayMs;
      t.same(arrivals({ ...path, lossRate: 0, duplicateRate: 1, reorderRate: 1 }, random), [late, late]);
      t.same(arrivals({ ...path, lossRate: 0, duplicateRate: 0, reorderRate: 0 }, random), [path.delayMs]);
    }),
    { numRuns: 30 },
  );
  t.end();
});

void t.test('rates are what happens in the long run, independently', (t) => {
  const random = seededRandom(7);
  const path = withChanges(PERFECT_PATH, {
    delayMs: 10,
    lossRate: 0.1,
    duplicateRate: 0.2,
    reorderRate: 0.3,
  });
  const fates = Array.from({ length: 20_000 }, () => arrivals(path, random));
  const arrived = fates.filter((fate) => fate.length > 0);
  const near = (part: number, whole: number, rate: number, name: string) =>
    t.ok(Math.abs(part / whole - rate) < 0.01, `${name}: ${part} of ${whole} is near ${rate}`);
  near(fates.length - arrived.length, fates.length, 0.1, 'lost');
  near(arrived.filter((fate) => fate.length === 2).length, arrived.length, 0.2, 'duplicated');
  near(arrived.filter((fate) => fate[0] === 15).length, arrived.length, 0.3, 'held back');
  t.end();
});

void t.test('one seed is one run of luck, whatever the other rates are', (t) => {
  fc.assert(
    fc.property(impairment, fc.integer(), (path, seed) => {
      const losses = (tried: Impairment) => {
        const random = seededRandom(seed);
        return Array.from({ length: 50 }, () => arrivals(tried, random).length === 0);
      };
      t.same(losses(path), losses({ ...path, duplicateRate: 0, reorderRate: 1, delayMs: 3 }));
    }),
    { numRuns: 30 },
  );
  t.end();
});

void t.test('impossible rates and times are refused by name', (t) => {
  for (const bad of [
    { lossRate: 1.1 },
    { duplicateRate: -0.1 },
    { reorderRate: NaN },
    { delayMs: -1 },
    { delayMs: Infinity },
  ]) {
    const [name = ''] = Object.keys(bad);
    t.throws(() => withChanges(PERFECT_PATH, bad), { name: 'RangeError', message: new RegExp(`^${name}: `) });
  }
  t.end();
});

void t.test('a delay line gives back what is due, by time and then in the order of arrival', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: 0, max: 20 }), (dues, now) => {
      const line = new DelayLine<{ due: number; index: number }>();
      dues.forEach((due, index) => line.add(due, { due, index }));
      const items = dues.map((due, index) => ({ due, index }));
      const sorted = items.toSorted((a, b) => a.due - b.due || a.index - b.index);
      t.same(
        line.takeDue(now),
        sorted.filter(({ due }) => due <= now),
      );
      const rest = sorted.filter(({ due }) => due > now);
      t.equal(line.size, rest.length);
      t.equal(line.nextDueMs, rest[0]?.due ?? null);
      line.clear();
      t.equal(line.nextDueMs, null);
    }),
    { numRuns: 100 },
  );
  t.end();
});
