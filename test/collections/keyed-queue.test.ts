import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import { KeyedQueue } from '../../src/collections/keyed-queue.js';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const steps = fc.array(
  fc.record({ what: fc.constantFrom('set', 'take', 'oldest', 'takeOldest', 'clear'), key }),
  { maxLength: 100 },
);

t.test('a keyed queue does what a list would do', async () => {
  fc.assert(
    fc.property(steps, (list) => {
      const queue = new KeyedQueue<number>();
      let model: [string, number][] = [];
      return list.every(({ what, key: k }, n) => {
        const without = model.filter(([name]) => name !== k);
        let same = true;
        if (what === 'set') {
          queue.set(k, n);
          model = [...without, [k, n]];
        } else if (what === 'take') {
          same = queue.take(k) === model.find(([name]) => name === k)?.[1];
          model = without;
        } else if (what === 'oldest') {
          same = queue.oldest() === model[0]?.[1];
        } else if (what === 'takeOldest') {
          same = queue.takeOldest() === model[0]?.[1];
          model = model.slice(1);
        } else {
          queue.clear();
          model = [];
        }
        const values = model.map(([, value]) => value);
        return (
          same && queue.size === model.length && JSON.stringify(queue.toArray()) === JSON.stringify(values)
        );
      });
    }),
    { numRuns: 300 },
  );
});

t.test('setting the same keys over and over keeps nothing of what was', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no garbage collector to ask');
  const heap = (): number => {
    Reflect.apply(collect, undefined, []);
    return process.memoryUsage().heapUsed;
  };
  const queue = new KeyedQueue<number>();
  const churn = (times: number): void => {
    for (let n = 0; n < times; n++) queue.set(`key ${String(n % 100)}`, n);
  };
  churn(1_000);
  queue.oldest();
  const before = heap();
  churn(200_000);
  t.ok(heap() - before < 2 ** 20, 'tables that a Map has outgrown are not kept');
});
