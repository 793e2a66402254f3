import t from 'tap';
import { WriteDelay } from '../../../src/agent/state/write-delay.js';

void t.test('it follows the usual time, within its bounds', async (t) => {
  let now = 0;
  const delay = new WriteDelay<number>(() => now);
  const take = (ms: number, times: number) => {
    for (let n = 0; n < times; n++) {
      delay.came(n);
      now += ms;
      delay.went(n);
    }
  };
  t.equal(delay.ms, 10, 'at first');
  take(1, 100);
  t.equal(delay.ms, 10);
  take(30, 100);
  t.ok(delay.ms > 59 && delay.ms <= 60, `${delay.ms} ms`);
  take(10_000, 100);
  t.equal(delay.ms, 100);
  take(1, 200);
  t.equal(delay.ms, 10);
});

void t.test('one slow acknowledgement changes little, and others are not taken for it', async (t) => {
  let now = 0;
  const delay = new WriteDelay<string>(() => now);
  delay.came('a');
  now += 5;
  delay.came('b');
  delay.went('b');
  now += 35;
  delay.went('a');
  t.equal(delay.ms, 10, 'an eighth of 40, twice');
  delay.went('a');
  t.equal(delay.ms, 10, 'it went already');
});
