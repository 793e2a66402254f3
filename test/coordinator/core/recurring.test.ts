import fc from 'fast-check';
import t from 'tap';
import { CronProblem, CronTimes, newCronTimes } from '../../../src/coordinator/core/schedules/cron-times.js';
import type { MessageOf } from '../../../src/protocol/messages.js';
import { decodeValue, encodeValue } from '../../../src/protocol/value.js';
import { messagesOf, START, World, type ClientDouble } from './world.js';

const MINUTE = 60_000;
const INPUT = encodeValue({ n: 1 });

function add(client: ClientDouble, more: Partial<MessageOf<'AddRecurring'>> = {}) {
  const { world, connectionId } = client;
  const defaults = { name: 'r', cron: '*/5 * * * *', timeZone: 'UTC', kind: 'compute' };
  world.say(connectionId, { type: 'AddRecurring', requestId: 800, ...defaults, ...more }, INPUT);
  return world.take(connectionId);
}

function list(client: ClientDouble) {
  const [report] = messagesOf(client.ask({ type: 'QueryRecurring', requestId: 801 }), 'RecurringReport');
  return report?.recurring ?? [];
}

/** The times of the occurrences that the store has tasks of, oldest first. */
function occurrences({ store }: World): number[] {
  return [...store.rows.values()].map(({ spec }) => {
    const time = /^schedule:r:(.*)$/.exec(spec.idempotencyKey ?? '')?.[1];
    return Date.parse(time ?? '');
  });
}

const firstAfter = (now: number) => Math.floor(now / (5 * MINUTE)) * 5 * MINUTE + 5 * MINUTE;

void t.test('a task is submitted at each time, as it was described, and is listed and removed', async (t) => {
  const world = new World();
  const client = world.client();
  t.match(messagesOf(add(client, { priority: 9, attempts: 7 }), 'MessageAck'), [{ requestIds: [800] }]);
  const first = firstAfter(world.now);
  t.match(list(client), [{ name: 'r', nextAt: first, lastAt: null, lastTaskId: null }]);
  world.advance(first - world.now - 1);
  t.strictSame(occurrences(world), []);
  world.advance(1 + 10 * MINUTE);
  t.strictSame(occurrences(world), [first, first + 5 * MINUTE, first + 10 * MINUTE]);
  const [row] = [...world.store.rows.values()];
  t.match(row, { spec: { kind: 'compute', priority: 9, maxAttempts: 7 }, input: INPUT });
  const [one] = list(client);
  t.match(one, { nextAt: first + 15 * MINUTE, lastAt: first + 10 * MINUTE });
  t.equal(one?.lastTaskId, [...world.store.rows.keys()].at(-1));
  client.ask({ type: 'DropRecurring', requestId: 802, name: 'r' });
  world.advance(60 * MINUTE);
  t.equal(occurrences(world).length, 3);
  t.strictSame(list(client), []);
  t.strictSame(list(world.restart().client()), []);
});

void t.test('of the times missed while nobody was there, the latest is made up for, once', async (t) => {
  const before = new World();
  add(before.client());
  const first = firstAfter(before.now);
  before.advance(first - before.now);
  before.now += 62 * MINUTE;
  const world = before.restart();
  world.advance(1);
  const latest = Math.floor(world.now / (5 * MINUTE)) * 5 * MINUTE;
  t.strictSame(occurrences(world), [first, latest]);
  const again = world.restart();
  again.advance(1);
  t.equal(occurrences(again).length, 2);
  again.advance(5 * MINUTE);
  t.strictSame(occurrences(again), [first, latest, latest + 5 * MINUTE]);
});

void t.test('an occurrence whose commit fails, or that finds no room, is submitted later', async (t) => {
  const world = new World({ maxQueue: 1 });
  const client = world.client();
  add(client);
  world.autoCommit = false;
  const first = firstAfter(world.now);
  world.advance(first - world.now);
  world.failCommit();
  world.autoCommit = true;
  world.advance(5_000);
  t.strictSame(occurrences(world), [first]);
  world.advance(11 * MINUTE);
  t.equal(occurrences(world).length, 1, 'the queue is full');
  client.cancel([...world.store.rows.keys()][0] ?? '');
  world.advance(2_000);
  t.strictSame(occurrences(world), [first, first + 10 * MINUTE], 'the latest of those that found no room');
});

void t.test('what is wrong is named, and nothing is kept', async (t) => {
  const world = new World();
  const client = world.client();
  const refusal = (more: Partial<MessageOf<'AddRecurring'>>) => {
    const [error] = messagesOf(add(client, more), 'ErrorReport');
    return `${String(error?.name)} ${String(error?.field)} ${String(error?.message)}`;
  };
  t.match(refusal({ cron: 'often' }), /^BAD_FIELD \/cron 'often'.*five parts/);
  t.match(refusal({ cron: '61 * * * *' }), /^BAD_FIELD \/cron '61 /);
  t.match(refusal({ cron: '0 0 30 2 *' }), /^BAD_FIELD \/cron .*no time to come/);
  t.match(refusal({ timeZone: 'Mars/Olympus' }), /^BAD_FIELD \/timeZone 'Mars\/Olympus'/);
  t.match(refusal({ kind: 'nope' }), /^UNKNOWN_KIND/);
  t.strictSame(list(client), []);
  add(client);
  t.match(refusal({}), /^SCHEDULE_EXISTS \/name/);
  const drop = client.ask({ type: 'DropRecurring', requestId: 803, name: 'other' });
  t.match(messagesOf(drop, 'ErrorReport'), [{ name: 'UNKNOWN_SCHEDULE' }]);
  t.equal(list(client).length, 1);
});

void t.test('a record that cannot be read keeps nothing else from starting', async (t) => {
  const world = new World();
  add(world.client());
  world.store.entries.get('schedule')?.set('broken', new Uint8Array([0xc1]));
  const restarted = world.restart();
  t.match(restarted.logs('a recurring task is not taken up'), [{ schedule: 'broken' }]);
  t.match(list(restarted.client()), [{ name: 'r' }]);
});

void t.test(
  'whatever crashes when, each time is submitted at most once, and the latest is never missing',
  async (t) => {
    const steps = fc.array(
      fc.record({
        ms: fc.integer({ min: 0, max: 20 * MINUTE }),
        then: fc.constantFrom('nothing', 'crash', 'crash before the commit', 'fail'),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(steps, (plan) => {
        let world = new World();
        add(world.client());
        const first = firstAfter(world.now);
        for (const { ms, then } of plan) {
          if (then === 'nothing') world.advance(ms);
          else {
            world.autoCommit = false;
            world.advance(ms);
            if (then === 'fail' && world.waiting !== null) world.failCommit();
            if (then === 'crash' && world.waiting !== null) world.commit();
            world.autoCommit = true;
            if (then === 'fail') world.turn({ type: 'flush' });
            else world = world.restart();
          }
        }
        while (world.waiting !== null) world.commit();
        world.advance(10_000);
        const times = occurrences(world);
        t.equal(new Set(times).size, times.length, 'once');
        t.ok(times.every((time) => time % (5 * MINUTE) === 0));
        const latest = Math.floor(world.now / (5 * MINUTE)) * 5 * MINUTE;
        if (latest >= first && world.now - latest > 6_000) t.equal(Math.max(...times), latest, 'the latest');
      }),
      { numRuns: 200 },
    );
  },
);

void t.test('times are those of the zone, also where its clock jumps', async (t) => {
  const berlin = new CronTimes('30 2 * * *', 'Europe/Berlin');
  const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  t.equal(iso(berlin.next(Date.UTC(2026, 0, 10))), '2026-01-10T01:30:00.000Z');
  t.equal(iso(berlin.next(Date.UTC(2026, 6, 10))), '2026-07-10T00:30:00.000Z');
  t.equal(
    berlin.latest(Date.UTC(2026, 0, 10, 1, 30)),
    Date.UTC(2026, 0, 10, 1, 30),
    'the time itself counts',
  );
  t.throws(() => newCronTimes('* * * *', 'UTC', START), CronProblem);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 41 }), fc.integer({ min: 1, max: 59 }), (now, minute) => {
      const times = new CronTimes(`${String(minute)} * * * *`, 'UTC');
      const next = times.next(now);
      return next !== null && next > now && next - now <= 60 * MINUTE && times.latest(next) === next;
    }),
    { numRuns: 50 },
  );
});

void t.test('many at one time are submitted some in each turn, and counted like other tasks', async (t) => {
  const world = new World();
  const client = world.client();
  for (let i = 0; i < 100; i++) add(client, { name: `r${i}` });
  world.now = firstAfter(world.now);
  world.event({ type: 'tick' });
  t.equal(world.core.state.tasks.size, 32);
  t.equal(world.core.nextDeadline() === null || Number(world.core.nextDeadline()) <= world.now, true);
  world.turn({ type: 'flush' });
  world.advance(1);
  t.equal(world.core.state.tasks.size, 100);
  t.match(world.core.figures(world.now).kinds, [{ kind: 'compute', submitted: 100 }]);
});

void t.test('many are taken up some in each turn, and each as if it were alone', async (t) => {
  const before = new World();
  const client = before.client();
  for (let i = 0; i < 100; i++) add(client, { name: `r${i}` });
  const first = firstAfter(before.now);
  const broken = before.store.entries.get('schedule')?.get('r98') ?? INPUT;
  const value = { ...(decodeValue(broken) as object), cron: 'never' };
  before.store.entries.get('schedule')?.set('r98', encodeValue(value));
  const world = before.restart();
  const other = world.client();
  const planned = () => list(other).filter(({ nextAt }) => nextAt === first).length;
  t.equal(list(other).length, 100);
  const atOnce = planned();
  t.ok(atOnce < 100, String(atOnce));
  other.ask({ type: 'DropRecurring', requestId: 802, name: 'r99' });
  world.advance(10);
  t.equal(planned(), 98);
  t.match(world.logs('a recurring task is not taken up'), [{ schedule: 'r98', reason: /'never'/ }]);
  world.advance(first - world.now);
  t.equal(world.store.rows.size, 98);
});

void t.test('that they wait is said once a second, however many do', async (t) => {
  const world = new World({ maxQueue: 0 });
  const client = world.client();
  for (let i = 0; i < 50; i++) add(client, { name: `r${i}` });
  world.advance(firstAfter(world.now) - world.now + 2_500);
  const lines = world.logs('a recurring task waits');
  t.ok(lines.length <= 4, `${lines.length} lines`);
  t.match(lines[0], { schedule: 'r0', count: 1, reason: /wait already/ });
});

void t.test('their inputs are bounded, one by one and together', async (t) => {
  const world = new World();
  const { connectionId } = world.client();
  const say = (name: string, bytes: number) => {
    const when = { cron: '@daily', timeZone: 'UTC' };
    const message = { type: 'AddRecurring', requestId: 800, name, ...when, kind: 'compute' } as const;
    world.say(connectionId, message, new Uint8Array(bytes));
    return world
      .take(connectionId)
      .map((sent) => ('name' in sent.message ? sent.message.name : sent.message.type));
  };
  t.same(say('large', 1024 * 1024 + 1), ['PAYLOAD_TOO_LARGE']);
  for (let i = 0; i < 64; i++) t.same(say(`r${i}`, 1024 * 1024), ['MessageAck']);
  t.same(say('last', 1), ['TOO_MANY_REQUESTS']);
  world.say(connectionId, { type: 'DropRecurring', requestId: 801, name: 'r0' });
  world.take(connectionId);
  t.same(say('last', 1), ['MessageAck']);
});
