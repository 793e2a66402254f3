import { readFileSync } from 'node:fs';
import t from 'tap';
import { DOCUMENT, withGeneratedParts } from '../../scripts/protocol-docs.js';
import { MESSAGE_TYPES } from './arbitraries.js';

t.test(
  'docs/protocol.md is up to date: run scripts/protocol-docs after a change of schemas, rules or errors',
  (t) => {
    const document = readFileSync(DOCUMENT, 'utf8');
    t.equal(withGeneratedParts(document), document);
    for (const type of MESSAGE_TYPES) t.match(document, `### ${type}\n`);
    t.throws(() => withGeneratedParts('# no markers'), { message: /markers/ });
    t.end();
  },
);
