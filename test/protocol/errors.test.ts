import t from 'tap';
import {
  cutText,
  ERRORS,
  errorNameOf,
  errorOfReport,
  errorReport,
  ProtocolError,
} from '../../src/protocol/errors.js';
import { isMessage } from '../../src/protocol/validate.js';
import { negotiateVersion } from '../../src/protocol/version.js';

t.test('codes are unique, and lead back to their names', (t) => {
  const entries = Object.entries(ERRORS);
  t.equal(new Set(entries.map(([, { code }]) => code)).size, entries.length);
  for (const [name, { code }] of entries) t.equal(errorNameOf(code), name);
  t.equal(errorNameOf(0xfff0), null);
  t.end();
});

t.test('an error and its report say the same', (t) => {
  const error = new ProtocolError('QUEUE_FULL', 'the queue is full', {
    requestId: 0,
    taskId: 't',
    retryAfterMs: 5,
  });
  const report = errorReport(error);
  t.strictSame(report, {
    type: 'ErrorReport',
    code: 0x30,
    name: 'QUEUE_FULL',
    message: 'the queue is full',
    requestId: 0,
    taskId: 't',
    retryAfterMs: 5,
  });
  const { code, name, message, fatal, permanent, requestId } = errorOfReport(report);
  t.strictSame(
    { code, name, message, fatal, permanent, requestId },
    {
      code: 0x30,
      name: 'QUEUE_FULL',
      message: 'the queue is full',
      fatal: false,
      permanent: false,
      requestId: 0,
    },
  );
  t.end();
});

t.test('a report always fits its schema', (t) => {
  const errors = [
    new ProtocolError('BAD_FIELD', '😀'.repeat(9_000), {
      messageType: 'm'.repeat(99),
      field: `/${'f'.repeat(999)}`,
    }),
    new ProtocolError('NO_ERROR'),
    new ProtocolError('UNKNOWN_MESSAGE_TYPE', '', { messageType: '', field: '' }),
    new Error('a password'),
    'text',
  ];
  for (const error of errors) {
    const report = errorReport(error);
    t.ok(isMessage('ErrorReport', { ...report }), report.name);
    t.notMatch(report.message, /password/);
  }
  t.end();
});

t.test('a report of a newer version keeps its words', (t) => {
  const error = errorOfReport({ type: 'ErrorReport', code: 60_000, name: 'NEWER', message: 'what is this' });
  t.equal(error.name, 'INTERNAL_ERROR');
  t.equal(error.message, 'NEWER (code 60000): what is this');
  t.end();
});

t.test('text is cut between characters', (t) => {
  t.equal(cutText('abc', 3), 'abc');
  t.equal(cutText('abcd', 3), 'ab…');
  t.equal(cutText('a😀bc', 3), 'a…');
  t.end();
});

t.test('versions', (t) => {
  t.equal(negotiateVersion([1]), 1);
  t.equal(negotiateVersion([9, 1, 2], [3, 2, 1]), 2);
  t.throws(() => negotiateVersion([7, 8], [2, 1]), {
    name: 'UNSUPPORTED_VERSION',
    permanent: true,
    message: /offered 7, 8; spoken here 2, 1. Update the coordinator/,
  });
  t.throws(() => negotiateVersion([1], [2]), { message: /Update the agent or client/ });
  t.end();
});
