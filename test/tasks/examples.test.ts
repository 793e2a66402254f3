import { readFile } from 'node:fs/promises';
import t from 'tap';
import { loadHandler, taskKinds } from '../../src/tasks/registry.js';
import { testContext } from './context.js';

void t.test('the example of pattern-match gives what its page says', async (t) => {
  const page = await readFile('docs/tasks/pattern-match.md', 'utf8');
  const input: unknown = JSON.parse(/<<'EOF'\n(.*)\nEOF/.exec(page)?.[1] ?? '');
  const expected = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '') as Record<string, unknown>;
  const result = await (await loadHandler('pattern-match'))(input, testContext().context);
  t.same(Object.keys(result as object), Object.keys(expected));
  t.same({ ...(result as object), computeTimeMs: 0 }, { ...expected, computeTimeMs: 0 });
});

void t.test('every kind has a page', async (t) => {
  for (const kind of taskKinds.keys()) {
    t.match(await readFile(`docs/tasks/${kind}.md`, 'utf8'), new RegExp(`^# ${kind}\n`));
  }
});
