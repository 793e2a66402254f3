import t from 'tap';
import { nonceLifetime, TicketKeys } from '../../../src/coordinator/shell/ticket-keys.js';
import { silentLog } from '../../../src/observe/log.js';
import type { TicketKeyRecord } from '../../../src/store/records.js';
import { StoreError, type StoreOp, type StoreOutcome } from '../../../src/store/store.js';
import { FakeClock } from '../../support/fake-clock.js';

const LIFETIME_MS = 1000;

function world() {
  const clock = new FakeClock();
  const used: Uint8Array[] = [];
  const kept = new Map<string, TicketKeyRecord>();
  const warnings: string[] = [];
  const state = { full: false };
  const store = {
    commit: (operations: readonly StoreOp[]): Promise<readonly StoreOutcome[]> => {
      if (state.full) return Promise.reject(new StoreError('FULL', 'no room'));
      for (const operation of operations) {
        if (operation.op === 'put-ticket-key')
          kept.set(operation.ticketKey.keyId, { ...operation.ticketKey });
        if (operation.op === 'drop-ticket-key') kept.delete(operation.keyId);
      }
      return Promise.resolve(operations.map(() => ({ status: 'applied' })));
    },
  };
  const make = () =>
    new TicketKeys({
      store,
      clock,
      log: { ...silentLog, warn: (_fields, message) => void warnings.push(message) },
      lifetimeMs: LIFETIME_MS,
      use: (key) => {
        // In the store before it is used, unless the store cannot.
        const durable = [...kept.values()].some((record) => Buffer.from(key).equals(record.key));
        if (!durable && !state.full) throw new Error('used before it was stored');
        used.push(key);
      },
    });
  /** What the store gives a new process: the newest first. */
  const stored = () => [...kept.values()].sort((a, b) => b.createdAt - a.createdAt);
  return { clock, used, kept, warnings, state, make, stored };
}

/** Lets promises that are settled have their effect. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test('the first start makes a key, later ones go on with it', async (t) => {
  const { clock, used, kept, make, stored } = world();
  const first = make();
  await first.start([]);
  t.equal(used.length, 1);
  t.equal(used[0]?.length, 48);
  first.stop();
  clock.advance(LIFETIME_MS - 1);
  const second = make();
  await second.start(stored());
  t.same(used[1], used[0]);
  t.equal(kept.size, 1);
  second.stop();
  t.equal(clock.pending, 0);
});

t.test(
  'a key serves for its lifetime, across restarts; then a new one, and the old is dropped',
  async (t) => {
    const { clock, used, kept, make, stored } = world();
    const keys = make();
    await keys.start([]);
    keys.stop();
    clock.advance(600);
    const next = make();
    await next.start(stored());
    clock.advance(399);
    await settled();
    t.equal(used.length, 2);
    clock.advance(1);
    await settled();
    t.equal(used.length, 3);
    t.notSame(used[2], used[0]);
    t.equal(kept.size, 1, 'the old one is gone');
    clock.advance(LIFETIME_MS);
    await settled();
    t.equal(used.length, 4);
    next.stop();
    clock.advance(10 * LIFETIME_MS);
    await settled();
    t.equal(used.length, 4);
  },
);

t.test('a key over its age, of a future clock, or damaged is not trusted for longer', async (t) => {
  const { clock, used, make, stored, kept } = world();
  const keys = make();
  await keys.start([]);
  keys.stop();
  clock.advance(LIFETIME_MS);
  const late = make();
  await late.start(stored());
  late.stop();
  t.notSame(used[1], used[0]);

  const [record] = stored();
  if (record === undefined) throw new Error('no key');
  const ahead = make();
  await ahead.start([{ ...record, createdAt: clock.now() + 50 * LIFETIME_MS }]);
  t.same(used[2], record.key);
  clock.advance(LIFETIME_MS);
  await settled();
  t.equal(used.length, 4, 'one lifetime from now, whatever it says');
  ahead.stop();

  const damaged = make();
  await damaged.start([{ keyId: 'short', key: new Uint8Array(3), createdAt: clock.now() }]);
  damaged.stop();
  t.equal(used[4]?.length, 48);
  t.notOk(kept.has('short'));
});

t.test(
  'a store that cannot keep it: the key serves this process, and the old one ends all the same',
  async (t) => {
    const { clock, used, make, state, warnings, stored } = world();
    const keys = make();
    await keys.start([]);
    state.full = true;
    clock.advance(LIFETIME_MS);
    await settled();
    t.equal(used.length, 2);
    t.match(warnings, [/could not be stored/]);
    state.full = false;
    clock.advance(LIFETIME_MS);
    await settled();
    t.equal(used.length, 3);
    t.same(
      stored().map(({ key }) => Buffer.from(key)),
      [used[2]],
      'kept again, and the first one dropped',
    );
    keys.stop();
  },
);

t.test('a nonce is remembered for longer than a ticket can bring it', (t) => {
  // Recorded at the first moment of a key, consumed then, and sent again at its last moment.
  t.ok(nonceLifetime(LIFETIME_MS) > 2 * LIFETIME_MS);
  t.end();
});
