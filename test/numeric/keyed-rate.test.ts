import t from 'tap';
import { KeyedRate } from '../../src/numeric/keyed-rate.js';

t.test('the bucket: burst, refill, one for each identity, bounded', (t) => {
  const rate = new KeyedRate(10);
  for (let i = 0; i < 10; i++) t.equal(rate.take('a', 0), null);
  t.equal(rate.take('a', 0), 100);
  t.equal(rate.take('b', 0), null, 'another key');
  t.equal(rate.take('a', 99), 1);
  t.equal(rate.take('a', 100), null);
  t.equal(rate.take('a', 50), 100, 'a clock that goes back gives nothing');
  let taken = 0;
  for (let now = 1000; now < 11_000; now += 7) if (rate.take('c', now) === null) taken++;
  t.ok(taken >= 105 && taken <= 110, `10 a second and a burst of 10 in 10 s: ${String(taken)}`);
  for (let i = 0; i < 20_000; i++) rate.take(`id-${String(i)}`, 0);
  t.ok(rate.size <= 10_000);
  t.end();
});
