import t from 'tap';
import { Retention } from '../../../src/coordinator/shell/retention.js';
import { silentLog } from '../../../src/observe/log.js';
import { StoreError, type RetentionRule } from '../../../src/store/store.js';
import { FakeClock } from '../../support/fake-clock.js';

const rule: RetentionRule = { ageMs: 1000, tasks: 5, bytes: null };
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test('prunes once a minute by its rule, one at a time, and goes on after an error', async (t) => {
  const clock = new FakeClock();
  const asked: { rule: RetentionRule; now: number }[] = [];
  const answers: { resolve: (deleted: number) => void; reject: (error: Error) => void }[] = [];
  const warnings: unknown[] = [];
  const retention = new Retention({
    store: {
      prune: (given, now) => {
        asked.push({ rule: given, now });
        return new Promise<number>((resolve, reject) => answers.push({ resolve, reject }));
      },
    },
    clock,
    log: { ...silentLog, warn: (fields) => void warnings.push(fields) },
    rule,
  });
  const start = clock.now();
  retention.start();
  clock.advance(59_999);
  t.same(asked, []);
  clock.advance(1);
  t.same(asked, [{ rule, now: start + 60_000 }]);
  clock.advance(600_000);
  t.equal(asked.length, 1, 'no second one while one is under way');
  answers[0]?.resolve(3);
  await settled();
  clock.advance(60_000);
  t.equal(asked.length, 2);
  answers[1]?.reject(new StoreError('UNAVAILABLE', 'disk trouble'));
  await settled();
  t.match(warnings, [{ err: { message: 'disk trouble' } }]);
  clock.advance(60_000);
  t.equal(asked.length, 3, 'tried again');
  retention.stop();
  answers[2]?.reject(new StoreError('CLOSED', 'closed'));
  await settled();
  t.equal(warnings.length, 1, 'what ends with the coordinator is no trouble');
  t.equal(clock.pending, 0);
});
