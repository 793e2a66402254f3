import fc from 'fast-check';
import t from 'tap';
import { leastLoaded, type RoutingPolicy } from '../../../src/coordinator/core/tasks/routing.js';
import { Scheduler, type AgentSlot } from '../../../src/coordinator/core/tasks/scheduler.js';
import type { TaskSpec } from '../../../src/store/records.js';

const spec = (kind = 'compute', affinity: string | null = null): TaskSpec => ({
  taskId: 't',
  kind,
  priority: 5,
  timeoutMs: 1,
  maxAttempts: 1,
  idempotencyKey: null,
  keyHeldUntil: null,
  affinity,
  submittedAt: 0,
});

function agent(scheduler: Scheduler, id: string, credit: number, kinds = ['compute']): AgentSlot {
  const slot = scheduler.add(id, kinds, credit);
  scheduler.setAvailable(slot, true);
  return slot;
}

/** Picks and takes the credit, as a dispatch does. */
function take(scheduler: Scheduler, task = spec()): string | null {
  const slot = scheduler.pick(task);
  if (slot !== null) scheduler.occupy(slot);
  return slot?.agentId ?? null;
}

void t.test('tasks are spread by share of credit; equals take turns; none beyond credit', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  agent(scheduler, 'a', 2);
  agent(scheduler, 'b', 4);
  const order = Array.from({ length: 7 }, () => take(scheduler));
  t.strictSame(order.slice(0, 2), ['a', 'b']);
  t.equal(order.filter((id) => id === 'a').length, 2);
  t.equal(order.filter((id) => id === 'b').length, 4);
  t.equal(order[6], null);
  t.equal(scheduler.hasCapacity('compute'), false);
});

void t.test('an agent with a busy processor is picked later', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  const a = agent(scheduler, 'a', 4);
  agent(scheduler, 'b', 4);
  scheduler.setLoad(a, 1);
  t.strictSame([take(scheduler), take(scheduler), take(scheduler)], ['b', 'b', 'a']);
});

void t.test('kinds are honoured and follow their agents', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  const a = agent(scheduler, 'a', 1, ['x', 'y', 'x']);
  agent(scheduler, 'b', 1, ['y']);
  t.equal(scheduler.pick(spec('x'))?.agentId, 'a');
  t.equal(scheduler.pick(spec('z')), null);
  t.strictSame(scheduler.offeredKinds().sort(), ['x', 'y']);
  scheduler.setKinds(a, ['z']);
  t.equal(scheduler.pick(spec('x')), null);
  t.equal(scheduler.isOffered('x'), false);
  t.equal(scheduler.pick(spec('z'))?.agentId, 'a');
  scheduler.remove(a);
  t.equal(scheduler.pick(spec('z')), null);
  t.strictSame(scheduler.offeredKinds(), ['y']);
});

void t.test('an unavailable agent offers its kinds and gets nothing', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  const a = agent(scheduler, 'a', 1);
  scheduler.setAvailable(a, false);
  t.equal(scheduler.isOffered('compute'), true);
  t.equal(scheduler.pick(spec()), null);
});

void t.test('credit may shrink below what is taken', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  const a = agent(scheduler, 'a', 3);
  take(scheduler);
  take(scheduler);
  scheduler.setCredit(a, 1);
  t.equal(take(scheduler), null);
  scheduler.release(a);
  t.equal(take(scheduler), null);
  scheduler.release(a);
  t.equal(take(scheduler), 'a');
  scheduler.setCredit(a, 0);
  scheduler.release(a);
  t.equal(take(scheduler), null);
});

void t.test('tasks of one affinity key prefer one agent while it has credit', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  agent(scheduler, 'a', 2);
  agent(scheduler, 'b', 8);
  const first = take(scheduler, spec('compute', 'key'));
  t.equal(first, 'a');
  t.equal(take(scheduler, spec('compute', 'key')), 'a', 'though b is less loaded');
  t.equal(take(scheduler, spec('compute', 'key')), 'b', 'a is full');
  t.equal(take(scheduler, spec('compute', 'key')), 'b', 'and b is the one from now on');
});

void t.test('the agent that failed a task last gets it again only when no other has credit', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  const a = agent(scheduler, 'a', 4);
  const b = agent(scheduler, 'b', 1);
  t.equal(scheduler.pick(spec(), 'a')?.agentId, 'b', 'though a is less loaded');
  t.equal(scheduler.pick(spec('compute', 'key'), 'a')?.agentId, 'b');
  t.equal(scheduler.pick(spec('compute', 'key'))?.agentId, 'b', 'and the key goes with it');
  t.equal(scheduler.pick(spec('compute', 'key'), 'b')?.agentId, 'a', 'affinity does not lead back to it');
  agent(scheduler, 'c', 4, ['compute', 'other']);
  scheduler.occupy(b);
  t.equal(scheduler.pick(spec(), 'a')?.agentId, 'c', 'one of another pool');
  t.equal(scheduler.pick(spec(), 'c')?.agentId, 'a');
  scheduler.setAvailable(a, false);
  t.equal(scheduler.pick(spec(), 'c')?.agentId, 'c', 'there is nobody else');
  t.equal(scheduler.pick(spec('other'), 'c')?.agentId, 'c');
  t.equal(scheduler.pick(spec(), 'unknown')?.agentId, 'c');
});

void t.test('affinity keys remembered are bounded, the longest unused go first', async (t) => {
  const scheduler = new Scheduler(leastLoaded);
  agent(scheduler, 'a', 1_000_000);
  take(scheduler, spec('compute', 'first'));
  take(scheduler, spec('compute', 'second'));
  agent(scheduler, 'b', 1_000_000);
  for (let i = 0; i < 99_999; i++) take(scheduler, spec('compute', `key-${i}`));
  t.equal(take(scheduler, spec('compute', 'second')), 'a', 'remembered');
  const least = take(scheduler);
  t.equal(scheduler.pick(spec('compute', 'first'))?.agentId === 'a', least !== 'a', 'forgotten');
});

void t.test('a policy chooses among candidates; what is none of them is not taken', async (t) => {
  let wanted = 'b';
  let seen: readonly string[] = [];
  const policy: RoutingPolicy = {
    name: 'test',
    choose(_task, candidates) {
      seen = candidates.take(10).map((one) => one.agentId);
      return candidates.find(wanted) ?? { agentId: wanted, credit: 1, used: 0, load: 0 };
    },
  };
  const scheduler = new Scheduler(policy);
  agent(scheduler, 'a', 4);
  agent(scheduler, 'b', 1);
  agent(scheduler, 'c', 4, ['other']);
  t.equal(take(scheduler), 'b');
  t.strictSame(seen, ['a', 'b']);
  t.equal(take(scheduler), 'a', 'b has no credit left');
  t.strictSame(seen, ['a']);
  wanted = 'c';
  t.equal(take(scheduler), 'a', 'c does not take the kind');
});

void t.test(
  'any sequence of changes: picks are candidates, within credit, the least loaded, and repeatable',
  async () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('pick' as const), which: fc.nat(2), value: fc.nat(9) }),
      fc.record({
        do: fc.constantFrom(
          'release' as const,
          'credit' as const,
          'available' as const,
          'load' as const,
          'kinds' as const,
        ),
        which: fc.nat(5),
        value: fc.nat(9),
      }),
    );
    const KINDS = [['x'], ['x', 'y'], ['z', 'y', 'x'], ['y']];
    const run = (commands: { do: string; which: number; value: number }[]): (string | null)[] => {
      const scheduler = new Scheduler(leastLoaded);
      const slots = Array.from({ length: 6 }, (_, i) => agent(scheduler, `a${i}`, i, KINDS[i % 4] ?? []));
      const picks: (string | null)[] = [];
      for (const { do: what, which, value } of commands) {
        const slot = slots[which];
        if (slot === undefined) continue;
        if (what === 'pick') {
          const kind = ['x', 'y', 'z'][which] ?? 'x';
          const candidates = slots.filter(
            (one) => one.available && one.used < one.credit && one.pool.kinds.includes(kind),
          );
          const picked = scheduler.pick(spec(kind));
          if (scheduler.hasCapacity(kind) !== candidates.length > 0) throw new Error('capacity');
          if ((picked === null) !== (candidates.length === 0))
            throw new Error('found one when, and only when, there is one');
          if (picked !== null) {
            if (!candidates.includes(picked)) throw new Error('not a candidate');
            const rank = (one: AgentSlot) => 0.75 * (one.used / one.credit) + 0.25 * one.load;
            if (candidates.some((one) => rank(one) + 1 / 16 < rank(picked)))
              throw new Error('a less loaded one was free');
            scheduler.occupy(picked);
          }
          picks.push(picked?.agentId ?? null);
        } else if (what === 'release') {
          if (slot.used > 0) scheduler.release(slot);
        } else if (what === 'credit') scheduler.setCredit(slot, value);
        else if (what === 'available') scheduler.setAvailable(slot, value % 2 === 0);
        else if (what === 'load') scheduler.setLoad(slot, value / 9);
        else scheduler.setKinds(slot, KINDS[value % 4] ?? []);
      }
      return picks;
    };
    fc.assert(
      fc.property(fc.array(command, { maxLength: 150 }), (commands) => {
        const picks = run(commands);
        return JSON.stringify(picks) === JSON.stringify(run(commands));
      }),
    );
  },
);
