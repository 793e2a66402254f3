import { readFile } from 'node:fs/promises';
import t from 'tap';
import { toJson } from '../../../src/commands/output/json.js';
import { loadHandler } from '../../../src/tasks/registry.js';
import { testContext } from '../context.js';

void t.test('the example of the page gives what the page says', async (t) => {
  const page = await readFile('docs/tasks/strategy-correlation.md', 'utf8');
  const input: unknown = JSON.parse(/<<'EOF'\n(.*)\nEOF/.exec(page)?.[1] ?? '');
  const expected: unknown = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '');
  const result = await (await loadHandler('strategy-correlation'))(input, testContext().context);
  t.same(rounded(JSON.parse(toJson(result))), rounded(expected));
});

/** Twelve digits of each number, and no time. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, entry: unknown) => {
    if (key === 'computeTimeMs') return 0;
    return typeof entry === 'number' ? Number(entry.toPrecision(12)) : entry;
  });
}
