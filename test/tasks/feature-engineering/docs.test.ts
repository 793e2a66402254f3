import { readFile } from 'node:fs/promises';
import t from 'tap';
import { FEATURE_NAMES, planFeature } from '../../../src/tasks/feature-engineering/features.js';
import { featureEngineering } from '../../../src/tasks/feature-engineering/handler.js';
import { testContext } from '../context.js';

const page = await readFile('docs/tasks/feature-engineering.md', 'utf8');

void t.test('the example gives what its page says', (t) => {
  const input: unknown = JSON.parse(/<<'EOF'\n(.*?)\nEOF/s.exec(page)?.[1] ?? '');
  const expected: unknown = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '');
  const { rows, columns } = featureEngineering(input, testContext().context);
  const lists = Object.entries(columns).map(([name, column]) => [
    name,
    [...column].map((value) => (Number.isNaN(value) ? null : value)),
  ]);
  t.strictSame({ rows, columns: Object.fromEntries(lists) as unknown }, expected);
  t.end();
});

void t.test('the page has each feature, with its default columns', (t) => {
  for (const name of FEATURE_NAMES) {
    const line = page.split('\n').find((line) => line.startsWith(`| \`${name}\` `)) ?? '';
    const [first = ''] = planFeature({ name }, 'feature').outputs;
    t.ok(line.includes(`\`${first}\``), `${name}: ${first}`);
  }
  t.end();
});
