import fc from 'fast-check';
import t from 'tap';
import { KeyedQueue } from '../../src/reasoning/keyed-queue.js';
import { pairKey } from '../../src/reasoning/pair-key.js';
import { RecentIds } from '../../src/reasoning/recent-ids.js';
import { Ring } from '../../src/reasoning/ring.js';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const steps = fc.array(
  fc.record({ what: fc.constantFrom('set', 'take', 'oldest', 'takeOldest', 'clear'), key }),
  { maxLength: 100 },
);

t.test('a keyed queue does what a list would do', async () => {
  fc.assert(
    fc.property(steps, (list) => {
      const queue = new KeyedQueue<number>();
      let model: [string, number][] = [];
      return list.every(({ what, key: k }, n) => {
        const without = model.filter(([name]) => name !== k);
        let same = true;
        if (what === 'set') {
          queue.set(k, n);
          model = [...without, [k, n]];
        } else if (what === 'take') {
          same = queue.take(k) === model.find(([name]) => name === k)?.[1];
          model = without;
        } else if (what === 'oldest') {
          same = queue.oldest() === model[0]?.[1];
        } else if (what === 'takeOldest') {
          same = queue.takeOldest() === model[0]?.[1];
          model = model.slice(1);
        } else {
          queue.clear();
          model = [];
        }
        const values = model.map(([, value]) => value);
        return (
          same && queue.size === model.length && JSON.stringify(queue.toArray()) === JSON.stringify(values)
        );
      });
    }),
    { numRuns: 300 },
  );
});

t.test('ids are remembered for as long as promised, and no more of them than twice that', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.nat(30), { maxLength: 100 }),
      (limit, numbers) => {
        let ids = new RecentIds(limit);
        const seen: string[] = [];
        return numbers.map(String).every((id, n) => {
          const isNew = ids.add(id);
          const right = !(isNew && seen.slice(-limit).includes(id)) && (isNew || seen.includes(id));
          if (isNew) seen.push(id);
          if (n % 7 === 0) ids = new RecentIds(limit, ids.plain());
          return right && ids.plain().length <= 2 * limit;
        });
      },
    ),
  );
});

t.test('a ring keeps the latest, oldest first', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.integer(), { maxLength: 40 }),
      (limit, values) => {
        return JSON.stringify(new Ring(limit, values).toArray()) === JSON.stringify(values.slice(-limit));
      },
    ),
  );
});

t.test('different pairs have different keys', async () => {
  const text = fc.string({ maxLength: 4, unit: fc.constantFrom('1', ':', 'a') });
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      return (pairKey(a, b) === pairKey(c, d)) === (a === c && b === d);
    }),
    { numRuns: 1_000 },
  );
});
