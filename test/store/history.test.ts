import t from 'tap';
import { historyEntryOf, withRoom } from '../../src/store/history.js';
import { HISTORY_LIMIT } from '../../src/store/records.js';
import { cancel, ERROR, experience, extend, fail, requeue, retry, session, submit } from './operations.js';

void t.test('an operation that is no news of a task has no entry', async (t) => {
  t.equal(historyEntryOf(extend('t1', 1, 5)), null);
  t.equal(historyEntryOf({ op: 'put-session', session: session('a', 'h') }), null);
  t.equal(historyEntryOf({ op: 'append-experience', experience: experience('e') }), null);
});

void t.test('entries carry the time of the operation and, where something went wrong, what', async (t) => {
  const detail = `${ERROR.name}: ${ERROR.message}`;
  t.strictSame(historyEntryOf(submit('t', { submittedAt: 7 })), { event: 'submit', at: 7 });
  t.strictSame(historyEntryOf(requeue('t', 1, null, 'timeout')), { event: 'timeout', at: 2_400, detail });
  t.strictSame(historyEntryOf(fail('t', 1, 'failed')), { event: 'fail', at: 2_500, detail });
  t.strictSame(historyEntryOf(cancel('t', 1)), { event: 'cancel', at: 2_500 });
  t.strictSame(historyEntryOf(retry('t', 1)), { event: 'retry', at: 2_600 });
});

void t.test('an endless message is cut', async (t) => {
  const error = { ...ERROR, message: 'x'.repeat(100_000) };
  const entry = historyEntryOf({
    op: 'requeue',
    taskId: 't',
    epoch: 1,
    at: 1,
    why: 'fail',
    notBefore: null,
    error,
  });
  t.equal(entry?.detail?.length, 4_608);
});

void t.test('room is made behind the first entry', async (t) => {
  const numbers = (length: number) => Array.from({ length }, (_, i) => i);
  t.strictSame(withRoom(numbers(HISTORY_LIMIT - 1)), numbers(HISTORY_LIMIT - 1));
  t.strictSame(withRoom(numbers(HISTORY_LIMIT)), [0, ...numbers(HISTORY_LIMIT).slice(2)]);
});
