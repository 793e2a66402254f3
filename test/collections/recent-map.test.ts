import fc from 'fast-check';
import t from 'tap';
import { RecentMap } from '../../src/collections/recent-map.js';

t.test('it holds the latest that were set, and no more', (t) => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat()), { maxLength: 40 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (steps, limit) => {
      const map = new RecentMap<number>(limit);
      const model = new Map<string, number>();
      for (const [key, value] of steps) {
        map.set(key, value);
        model.delete(key);
        model.set(key, value);
        const kept = new Map([...model].slice(-limit));
        for (const name of ['a', 'b', 'c', 'd', 'e']) if (map.get(name) !== kept.get(name)) return false;
        if (map.size !== kept.size) return false;
      }
      return true;
    }),
  );
  t.end();
});
