import t from 'tap';
import { errorDetailOf, TaskFailure } from '../../src/tasks/failure.js';
import { TaskInputError } from '../../src/tasks/kind.js';

void t.test('a failure says itself whether another attempt may help', (t) => {
  t.same(errorDetailOf(new TaskFailure('NoData', 'there is no data', true)), {
    name: 'NoData',
    message: 'there is no data',
    retryable: true,
  });
  t.equal(errorDetailOf(new TaskFailure('NoData', '', false)).retryable, false);
  t.equal(
    errorDetailOf(Object.assign(new Error('x'), { retryable: false })).retryable,
    false,
    'any error may say so',
  );
  t.end();
});

void t.test('a bad input never gets better, other exceptions may', (t) => {
  t.same(errorDetailOf(new TaskInputError('k', 'is 0')), {
    name: 'TaskInputError',
    message: 'k: is 0',
    retryable: false,
  });
  t.same(errorDetailOf(new RangeError('x')), { name: 'RangeError', message: 'x', retryable: true });
  t.same(errorDetailOf('text'), { name: 'Error', message: 'the handler threw text', retryable: true });
  t.equal(errorDetailOf(undefined).message, 'the handler threw undefined');
  t.end();
});

void t.test('fits the message that carries it, whatever was thrown', (t) => {
  const long = errorDetailOf(new TaskFailure('N'.repeat(100), 'm'.repeat(10_000), true));
  t.equal(long.name.length, 64);
  t.equal(long.message.length, 4096);
  t.equal(errorDetailOf(new TaskFailure('', 'm', true)).name, 'Error');
  t.equal(errorDetailOf(Object.create(null)).name, 'Error', 'not even printable');
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('no');
    },
  });
  t.equal(errorDetailOf(hostile).retryable, true);
  t.end();
});
