import t from 'tap';
import { TaskIds } from '../../../src/coordinator/shell/task-ids.js';

t.test('ids ascend, within a millisecond and when the clock is set back', (t) => {
  const ids = new TaskIds();
  const times = Array.from({ length: 5000 }, (_, index) => 1_700_000_000_000 + (index % 7) - (index % 3));
  const made = times.map((now) => ids.next(now));
  t.same(made, [...made].sort());
  t.equal(new Set(made).size, made.length);
  t.end();
});

t.test('an id says when it was made, and of which version it is', (t) => {
  const id = new TaskIds().next(1_645_557_742_000.9);
  // The time of the example in RFC 9562, appendix A.6.
  t.match(id, /^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.end();
});

t.test('ids of two makers differ', (t) => {
  const [a, b] = [new TaskIds(), new TaskIds()];
  const now = 1_700_000_000_000;
  const made = Array.from({ length: 1000 }, () => [a.next(now), b.next(now)]).flat();
  t.equal(new Set(made).size, 2000);
  t.end();
});
