import fc from 'fast-check';
import t from 'tap';
import { folderName } from '../../../src/agent/state/folder-name.js';

t.test('plain ids are their own folder; all others are escaped', (t) => {
  const names: readonly (readonly [string, string])[] = [
    ['agent-1', 'agent-1'],
    ['load_12.example.org', 'load_12.example.org'],
    ['Agent', '%41gent'],
    ['a:b@c', 'a%3ab%40c'],
    ['..', '%2e%2e'],
    ['.hidden', '%2ehidden'],
    ['ends.', 'ends%2e'],
    ['con', '%63on'],
    ['nul.txt', '%6eul.txt'],
    ['console', 'console'],
  ];
  for (const [id, name] of names) t.equal(folderName(id), name, id);
  t.end();
});

t.test(
  'different ids have different folders, whatever the file system makes of case, and all are short',
  (t) => {
    const id = fc.string({
      unit: fc.constantFrom(...'a b z A Z 0 1 9 . _ : @ - % ~'.split(' ')),
      minLength: 1,
      maxLength: 128,
    });
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [a, b] = [folderName(one), folderName(other)];
        if (a.length > 200 || !/^[a-z0-9_%~.-]+$/.test(a) || a.startsWith('.')) throw new Error(a);
        if ((one === other) !== (a.toLowerCase() === b.toLowerCase())) throw new Error(`${one} and ${other}`);
      }),
      {
        examples: [
          ['Aa', 'aA'],
          ['A'.repeat(128), `${'A'.repeat(127)}B`],
          ['%41', 'A'],
        ],
      },
    );
    t.end();
  },
);
