import t from 'tap';
import { explainClose } from '../../src/protocol/close-words.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { CloseInfo } from '../../src/transport/transport.js';

const info = (fields: Partial<CloseInfo>): CloseInfo => ({
  by: 'peer',
  layer: 'application',
  code: 0,
  reason: '',
  ...fields,
});

t.test('every error of the table has its name and words', (t) => {
  for (const [name, { code, meaning }] of Object.entries(ERRORS)) {
    const explained = explainClose(info({ code }));
    t.equal(explained.name, name);
    t.ok(explained.text.startsWith(meaning), name);
  }
  t.end();
});

t.test('a silent peer, a broken path and a code of the future are worth another try', (t) => {
  t.match(explainClose(info({ by: 'timeout', layer: 'transport' })), {
    name: 'UNREACHABLE',
    permanent: false,
  });
  t.match(explainClose(info({ layer: 'transport', code: 10 })), {
    permanent: false,
    text: /transport error 10/,
  });
  t.match(explainClose(info({ code: 9999 })), { permanent: false, text: /9999/ });
  t.match(explainClose(info({ layer: 'tls', code: 80 })), { permanent: false, text: /alert 80/ });
  t.end();
});

t.test('the words of an alert say whose certificate is meant', (t) => {
  for (const code of [42, 45, 48]) {
    const ours = explainClose(info({ layer: 'tls', code, by: 'local' }));
    const theirs = explainClose(info({ layer: 'tls', code, by: 'peer' }));
    t.match(ours, { permanent: true, text: /^the certificate of the coordinator/ });
    t.match(theirs, { permanent: true, text: /our certificate/ });
    t.equal(ours.name, theirs.name);
  }
  t.end();
});

t.test('the reason of a peer is shown on one line, cut, and cannot drive a terminal', (t) => {
  const reason = `one\ntwo \u001b[31mred\u0007 ${'x'.repeat(900)}`;
  const { text } = explainClose(info({ code: ERRORS.GOING_AWAY.code, reason }));
  t.match(text, /\(one two \[31mred x+\)$/);
  t.ok(text.length < 420);
  t.end();
});
