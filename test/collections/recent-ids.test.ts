import fc from 'fast-check';
import t from 'tap';
import { RecentIds } from '../../src/collections/recent-ids.js';

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
