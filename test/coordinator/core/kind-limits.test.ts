import fc from 'fast-check';
import t from 'tap';
import type { KindLimit } from '../../../src/coordinator/core/contract.js';
import { KindLimits } from '../../../src/coordinator/core/tasks/kind-limits.js';
import { World } from './world.js';

function limited(limits: Record<string, Partial<KindLimit>>, concurrency = 100) {
  const kindLimits = new Map(
    Object.entries(limits).map(([kind, limit]) => [kind, { concurrency: null, perSecond: null, ...limit }]),
  );
  const world = new World({ kindLimits }, { admit: () => ({ ok: true }) });
  const agent = world.agent('a1', { concurrency, kinds: ['compute', 'other'] });
  agent.ack();
  return { world, agent, client: world.client() };
}

void t.test('no more leases of a kind at once than its bound; other kinds flow past', async (t) => {
  const { agent, client } = limited({ compute: { concurrency: 2 } });
  for (let i = 0; i < 5; i++) client.submit({ priority: 9 });
  const others = [
    client.submit({ kind: 'other', priority: 0 }),
    client.submit({ kind: 'other', priority: 0 }),
  ];
  const first = agent.takeTasks();
  t.strictSame(
    first.map((task) => task.kind),
    ['compute', 'compute', 'other', 'other'],
  );
  for (const task of first.filter(({ taskId }) => others.includes(taskId))) agent.complete(task);
  t.strictSame(agent.takeTasks(), []);
  const [one] = first;
  if (one === undefined) throw new Error('a lease');
  agent.complete(one);
  t.match(agent.takeTasks(), [{ kind: 'compute' }]);
});

void t.test('a lease that its agent was told to stop counts until it has stopped', async (t) => {
  const { world, agent, client } = limited({ compute: { concurrency: 1 } });
  const taskId = client.submit();
  client.submit();
  const lease = agent.takeTask();
  client.cancel(taskId);
  t.strictSame(agent.takeTasks(), []);
  agent.complete(lease);
  const next = agent.takeTask();
  client.submit();
  world.lose(agent.connectionId, true);
  const other = world.agent('a2', { concurrency: 5 });
  other.ack();
  t.match(other.takeTasks(), [{ taskId: next.taskId }], 'the place of a lost lease is free, once');
});

void t.test(
  'a rate lets a burst of one second go, and then one at a time, without a busy loop',
  async (t) => {
    const { world, agent, client } = limited({ compute: { perSecond: 4 } });
    for (let i = 0; i < 10; i++) client.submit();
    t.equal(agent.takeTasks().length, 4);
    const start = world.now;
    t.equal(world.core.nextDeadline(), start + 250, 'it wakes when the next may start');
    for (let i = 1; i <= 6; i++) {
      world.advance(249);
      t.strictSame(agent.takeTasks(), []);
      world.advance(1);
      t.equal(agent.takeTasks().length, 1, `at ${world.now - start} ms`);
      agent.heartbeat();
    }
    client.submit({ kind: 'other' });
    t.equal(agent.takeTasks().length, 1);
  },
);

void t.test('a rate below one in a second is kept too', async (t) => {
  const { world, agent, client } = limited({ compute: { perSecond: 0.5 } });
  client.submit();
  client.submit();
  t.equal(agent.takeTasks().length, 1);
  world.advance(1_999);
  t.equal(agent.takeTasks().length, 0);
  world.advance(1);
  t.equal(agent.takeTasks().length, 1);
});

void t.test('no timer runs for a rate that holds nothing up', async (t) => {
  const { world, agent, client } = limited({ compute: { perSecond: 1 } }, 1);
  client.submit();
  client.submit();
  agent.takeTask();
  t.equal(world.core.state.rateTimer.index, -1, 'it is the agent that is busy');
});

void t.test('leases found in the store count', async (t) => {
  const { world: before, client, agent } = limited({ compute: { concurrency: 1 } });
  client.submit();
  client.submit();
  agent.takeTask();
  const world = before.restart(before.core.state.options);
  const other = world.agent('a2');
  other.ack();
  t.strictSame(other.takeTasks(), [], 'the one is still held by the agent that may come back');
});

void t.test('over any time there start no more than the rate and its burst allow', async () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1_000, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 200 }),
      (perSecond, pauses) => {
        const limits = new KindLimits(new Map([['k', { concurrency: null, perSecond }]]));
        const starts: number[] = [];
        let now = 1_700_000_000_000;
        for (const pause of pauses) {
          now += pause;
          while (limits.startableAt('k') <= now && starts.length < 10_000) {
            starts.push(now);
            limits.start('k', now);
          }
        }
        const burst = Math.max(1, perSecond);
        return starts.every((from, i) =>
          [i, i + 1, i + 7, starts.length - 1].every((j) => {
            const until = starts[j];
            if (until === undefined || j < i) return true;
            const count = j - i + 1;
            // Each start may round its time by the distance of two doubles there.
            const roundedMs = count * 2 ** -12;
            return count <= burst + ((until - from + roundedMs) / 1000) * perSecond + 0.01;
          }),
        );
      },
    ),
  );
});

void t.test('with limits, priorities and ageing together nothing starves', async () => {
  const some = fc.record({ priority: fc.nat(10), kind: fc.constantFrom('compute', 'other') });
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 10 }), fc.integer({ min: 1, max: 3 }), (low, n) => {
      const { world, agent, client } = limited({ compute: { concurrency: 1 }, other: { perSecond: 20 } }, n);
      const old = new Set(low.map((more) => client.submit({ ...more, priority: more.priority % 3 })));
      for (let step = 0; old.size > 0; step++) {
        if (step > 4_000) return false;
        // urgent work of both kinds never ends
        if (world.core.state.ready.size < 20) {
          client.submit({ priority: 10 });
          client.submit({ priority: 10, kind: 'other' });
        }
        for (const task of [...(world.core.state.registry.get('a1')?.leases ?? [])]) {
          const { taskId } = task.spec;
          agent.complete({ taskId, attempt: task.attempts, epoch: task.epoch });
          old.delete(taskId);
        }
        world.advance(100);
        world.take(agent.connectionId);
        world.take(client.connectionId);
        if (step % 50 === 0) agent.heartbeat();
      }
      return true;
    }),
    { numRuns: 15 },
  );
});
