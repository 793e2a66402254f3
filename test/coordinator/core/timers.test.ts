import fc from 'fast-check';
import t from 'tap';
import { Timer, TimerHeap } from '../../../src/coordinator/core/timers.js';

void t.test('timers come out in the order of their deadlines, and only when due', async (t) => {
  const heap = new TimerHeap<string>();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Timer(name));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three timers');
  t.equal(heap.next(), null);
  heap.set(a, 30);
  heap.set(b, 10);
  heap.set(c, 20);
  t.equal(heap.next(), 10);
  t.equal(heap.popDue(9), null);
  t.equal(heap.popDue(10)?.due, 'b');
  heap.set(a, 5);
  heap.cancel(c);
  heap.cancel(c);
  heap.cancel(null);
  t.equal(heap.popDue(100)?.due, 'a');
  t.equal(heap.popDue(100), null);
  t.equal(heap.size, 0);
});

void t.test('any mix of set, move, cancel and pop agrees with a sorted list', async () => {
  const command = fc.oneof(
    fc.record({ do: fc.constant('set' as const), which: fc.nat(19), at: fc.nat(50) }),
    fc.record({ do: fc.constant('cancel' as const), which: fc.nat(19), at: fc.constant(0) }),
    fc.record({ do: fc.constant('pop' as const), which: fc.constant(0), at: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const heap = new TimerHeap<number>();
      const timers = Array.from({ length: 20 }, (_, i) => new Timer(i));
      const model = new Map<number, number>();
      for (const { do: what, which, at } of commands) {
        const timer = timers[which];
        if (timer === undefined) continue;
        if (what === 'set') {
          heap.set(timer, at);
          model.set(which, at);
        } else if (what === 'cancel') {
          heap.cancel(timer);
          model.delete(which);
        } else {
          const earliest = Math.min(...model.values());
          const popped = heap.popDue(at);
          if (earliest > at) {
            if (popped !== null) return false;
          } else if (popped === null || model.get(popped.due) !== earliest || popped.index !== -1)
            return false;
          else model.delete(popped.due);
        }
        if (heap.size !== model.size) return false;
        if (heap.next() !== (model.size === 0 ? null : Math.min(...model.values()))) return false;
      }
      return true;
    }),
  );
});
