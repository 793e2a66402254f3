import fc from 'fast-check';
import t from 'tap';
import { ReadyQueue } from '../../../src/coordinator/core/tasks/ready-queue.js';
import { createTask, type Task } from '../../../src/coordinator/core/tasks/task.js';

const EMPTY = new Uint8Array(0);
let ids = 0;
function task(priority: number, readyAt = 0, kind = 'compute'): Task {
  return createTask(
    {
      taskId: `t${++ids}`,
      kind,
      priority,
      timeoutMs: 1,
      maxAttempts: 1,
      idempotencyKey: null,
      keyHeldUntil: null,
      affinity: null,
      submittedAt: readyAt,
    },
    EMPTY,
    null,
  );
}
const anyKind = () => true;
function next(queue: ReadyQueue, canTake: (kind: string) => boolean, now: number): Task | null {
  const task = queue.peek(canTake, now);
  if (task !== null) queue.take(task, canTake, now);
  return task;
}
const RULE = { overdueMs: 1000, passes: 3 };

void t.test('the highest priority goes first, and within it the oldest', async (t) => {
  const queue = new ReadyQueue(RULE);
  const tasks = [task(5, 1), task(10, 2), task(0, 3), task(5, 4), task(10, 5)];
  for (const one of tasks) queue.add(one, false);
  t.equal(queue.size, 5);
  const order = [];
  for (let one = next(queue, anyKind, 10); one !== null; one = next(queue, anyKind, 10)) order.push(one);
  t.strictSame(
    order.map((one) => tasks.indexOf(one)),
    [1, 4, 0, 3, 2],
  );
  t.equal(queue.size, 0);
});

void t.test('only kinds that can be taken come out, the oldest of equal ones first', async (t) => {
  const queue = new ReadyQueue(RULE);
  const [a, b, c] = [task(5, 2, 'a'), task(5, 1, 'b'), task(9, 3, 'c')];
  for (const one of [a, b, c]) queue.add(one, false);
  t.equal(
    next(queue, (kind) => kind !== 'c', 10),
    b,
  );
  t.equal(
    next(queue, (kind) => kind === 'none', 10),
    null,
  );
  t.strictSame(Object.fromEntries(queue.countByKind()), { a: 1, c: 1 });
  t.equal(next(queue, anyKind, 10), c);
  t.equal(next(queue, anyKind, 10), a);
});

void t.test('a task is taken out wherever it stands, once; one that comes back is first', async (t) => {
  const queue = new ReadyQueue(RULE);
  const [a, b, c] = [task(5, 1), task(5, 2), task(5, 3)];
  for (const one of [a, b, c]) queue.add(one, false);
  queue.remove(b);
  queue.remove(b);
  t.equal(queue.size, 2);
  queue.add(b, true);
  queue.add(b, false);
  t.equal(queue.size, 3);
  t.strictSame(
    [1, 2, 3].map(() => next(queue, anyKind, 3)),
    [b, a, c],
  );
});

void t.test('an overdue task is passed over a bounded number of times', async (t) => {
  const queue = new ReadyQueue(RULE);
  const low = task(0, 0);
  queue.add(low, false);
  const now = 1000;
  for (let i = 0; i < 3; i++) {
    queue.add(task(10, now), false);
    t.not(next(queue, anyKind, now), low, `pass ${i + 1}`);
  }
  queue.add(task(10, now), false);
  t.equal(next(queue, anyKind, now), low);
});

void t.test('before it is overdue, a low priority waits as long as there is a higher one', async (t) => {
  const queue = new ReadyQueue(RULE);
  const low = task(0, 0);
  queue.add(low, false);
  for (let i = 0; i < 100; i++) {
    queue.add(task(1, 999), false);
    t.not(next(queue, anyKind, 999), low);
  }
});

void t.test('fresh urgent work keeps its share however large the overdue backlog', async (t) => {
  const queue = new ReadyQueue(RULE);
  for (let priority = 0; priority < 10; priority++) {
    for (let i = 0; i < 50; i++) queue.add(task(priority, 0), false);
  }
  let urgent = 0;
  for (let i = 0; i < 200; i++) {
    queue.add(task(10, 5000), false);
    if (next(queue, anyKind, 5000)?.spec.priority === 10) urgent++;
  }
  t.ok(urgent >= 140, `${urgent} of 200 dispatches were urgent`);
  t.ok(urgent <= 160, 'and the backlog moved');
});

void t.test('nothing starves, whatever arrives', async () => {
  const some = fc.record({ priority: fc.nat(10), kind: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(
      fc.array(some, { minLength: 1, maxLength: 8 }),
      fc.array(some, { minLength: 1, maxLength: 40 }),
      (waiting, arrivals) => {
        const queue = new ReadyQueue(RULE);
        const old = new Set(waiting.map(({ priority, kind }) => task(priority, 0, kind)));
        for (const one of old) queue.add(one, false);
        // every lane there can be (33) is overdue before long, and each has its turn after 3 × 33 passes
        const bound = old.size * (RULE.passes + 1) * 33 + 33;
        for (let step = 0; old.size > 0; step++) {
          if (step > bound) return false;
          const now = RULE.overdueMs + step;
          for (const { priority, kind } of arrivals.slice(step % arrivals.length).slice(0, 1)) {
            queue.add(task(priority, now, kind), false);
          }
          const gone = next(queue, anyKind, now);
          if (gone !== null) old.delete(gone);
        }
        return true;
      },
    ),
    { numRuns: 50 },
  );
});

void t.test(
  'what comes next is told ahead: the urgent ones, and of each lane what ageing may choose',
  async (t) => {
    const queue = new ReadyQueue(RULE);
    for (let i = 0; i < 100; i++) queue.add(task(9, i), false);
    for (let i = 0; i < 100; i++) queue.add(task(1, i, 'b'), false);
    queue.add(task(10, 5, 'unserved'), false);
    const ahead = queue.ahead((kind) => kind !== 'unserved', 40);
    t.equal(ahead.length, 40);
    t.equal(new Set(ahead).size, 40);
    t.equal(ahead.filter((one) => one.spec.priority === 1).length, 5, 'a fourth of the places for two lanes');
    const dispatched: Task[] = [];
    for (let i = 0; i < 20; i++) {
      const one = next(queue, (kind) => kind !== 'unserved', 5_000);
      if (one !== null) dispatched.push(one);
    }
    t.strictSame(
      dispatched.filter((one) => !ahead.includes(one)),
      [],
    );
    t.strictSame(queue.ahead(anyKind, 1_000).length, queue.size, 'all there are');
    t.strictSame(
      queue.ahead(() => false, 10),
      [],
    );
  },
);

void t.test('a million tasks fit, and come and go quickly', async (t) => {
  const queue = new ReadyQueue();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1_000_000; i++) queue.add(task(i % 11, i), false);
  const bytes = (process.memoryUsage().heapUsed - before) / 1_000_000;
  t.ok(bytes < 700, `${Math.round(bytes)} bytes a task`);
  for (let i = 0; i < 100_000 && next(queue, anyKind, 0) !== null; i++);
  t.equal(queue.size, 900_000);
});
