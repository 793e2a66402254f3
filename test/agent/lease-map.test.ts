import fc from 'fast-check';
import t from 'tap';
import { LeaseMap } from '../../src/agent/lease-map.js';

t.test('it is a map by task and epoch, whichever comes and goes first', (t) => {
  const step = fc.record({
    taskId: fc.constantFrom('a', 'b'),
    epoch: fc.integer({ min: 1, max: 3 }),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const leases = new LeaseMap<{
        task: { lease: { taskId: string; attempt: number; epoch: number } };
        n: number;
      }>();
      const plain = new Map<string, number>();
      steps.forEach(({ taskId, epoch, remove }, n) => {
        const lease = { taskId, attempt: 1, epoch };
        if (remove) {
          leases.delete(lease);
          plain.delete(`${taskId}#${epoch}`);
        } else {
          leases.set({ task: { lease }, n });
          plain.set(`${taskId}#${epoch}`, n);
        }
        t.equal(leases.get(lease)?.n, plain.get(`${taskId}#${epoch}`));
        t.equal(leases.size, plain.size);
        t.same([...leases.values()].map((value) => value.n).sort(), [...plain.values()].sort());
      });
    }),
  );
  t.end();
});
