import fc from 'fast-check';
import t from 'tap';
import { Ring } from '../../src/collections/ring.js';

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
