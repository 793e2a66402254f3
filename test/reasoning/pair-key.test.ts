import fc from 'fast-check';
import t from 'tap';
import { pairKey } from '../../src/reasoning/pair-key.js';

t.test('different pairs have different keys', async () => {
  const text = fc.string({ maxLength: 4, unit: fc.constantFrom('1', ':', 'a') });
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      return (pairKey(a, b) === pairKey(c, d)) === (a === c && b === d);
    }),
    { numRuns: 1_000 },
  );
});
