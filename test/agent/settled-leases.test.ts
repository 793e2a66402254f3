import t from 'tap';
import { SettledLeases } from '../../src/agent/settled-leases.js';

const lease = (taskId: string, epoch: number) => ({ taskId, attempt: 1, epoch });

t.test('the newest lease of a task counts, in whichever order they were settled', (t) => {
  const settled = new SettledLeases(10);
  settled.add(lease('a', 3));
  settled.add(lease('a', 2));
  t.same(
    [1, 2, 3, 4].map((epoch) => settled.has(lease('a', epoch))),
    [true, true, true, false],
  );
  t.notOk(settled.has(lease('b', 1)));
  t.end();
});

t.test('the latest tasks are remembered: as many as the limit at least, twice as many at most', (t) => {
  const settled = new SettledLeases(10);
  for (let n = 0; n < 1000; n++) {
    settled.add(lease(`${n}`, 0));
    const known = Array.from({ length: n + 1 }, (_, index) => settled.has(lease(`${index}`, 0)));
    const count = known.filter(Boolean).length;
    const isLatest = known.indexOf(true) === n + 1 - count;
    if (count < Math.min(10, n + 1) || count > 20 || !isLatest) t.fail(`${count} after ${n + 1}`);
  }
  t.end();
});
