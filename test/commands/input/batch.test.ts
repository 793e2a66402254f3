import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { type Batch, type BatchEntry, openBatch } from '../../../src/commands/input/batch.js';
import { BatchLineProblem } from '../../../src/commands/input/batch-task.js';
import { TaskInputError } from '../../../src/tasks/kind.js';

const anything = { check: () => undefined };

async function entriesOf(batch: Batch): Promise<BatchEntry[]> {
  const entries: BatchEntry[] = [];
  for await (const entry of batch.entries()) entries.push(entry);
  return entries;
}

t.test('gives the tasks with their lines, as often as asked', async (t) => {
  const lines = [
    '{"kind": "compute", "input": {"function": "echo", "input": 1}, "idempotencyKey": "k1", "priority": 5}',
    '',
    '  \r',
    '{"kind":"pattern-match","input":null,"timeout":"30s","attempts":2,"delay":"500ms","affinity":"a"}\r',
    '{"kind":"compute","input":"\u2028"}',
  ];
  const expected = [
    {
      line: 1,
      task: { kind: 'compute', input: { function: 'echo', input: 1 }, idempotencyKey: 'k1', priority: 5 },
    },
    {
      line: 4,
      task: {
        kind: 'pattern-match',
        input: null,
        timeoutMs: 30_000,
        attempts: 2,
        delayMs: 500,
        affinity: 'a',
      },
    },
    { line: 5, task: { kind: 'compute', input: '\u2028' } },
  ];
  const file = join(t.testdir({ 'tasks.ndjson': lines.join('\n') }), 'tasks.ndjson');
  for (const batch of [
    await openBatch(file, anything),
    await openBatch('-', { ...anything, stdin: Readable.from([Buffer.from(lines.join('\n'))]) }),
  ]) {
    t.equal(batch.count, 3);
    t.same(await entriesOf(batch), expected);
    t.same(await entriesOf(batch), expected);
    await batch.close();
  }
});

t.test('a bad line is named, and nothing is submitted', async (t) => {
  const file = join(t.testdir(), 'tasks.ndjson');
  const good = '{"kind":"compute","input":1}';
  const cases: [string, string][] = [
    ['{"kind":"compute","input":NaN}', 'is not JSON at column 27: NaN is not a number of JSON'],
    ['nope', "is not JSON at column 1: 'nope' is no value"],
    ['[1]', 'is not a JSON object, such as {"kind": "compute", "input": {…}}'],
    ['{"input":1}', "'kind' is missing"],
    ['{"kind":"compute"}', "'input' is missing"],
    [
      '{"kind":"Compute","input":1}',
      "kind: 'Compute' is not a kind of task (such as pattern-match or compute)",
    ],
    ['{"kind":1,"input":1}', "kind: '1' is not a text"],
    ['{"kind":"compute","input":1,"priority":11}', "priority: '11' is not an integer from 0 to 10"],
    ['{"kind":"compute","input":1,"priority":1.5}', "priority: '1.5' is not an integer from 0 to 10"],
    ['{"kind":"compute","input":1,"priority":"5"}', 'priority: \'"5"\' is not a number'],
    [
      '{"kind":"compute","input":1,"timeout":"30"}',
      "timeout: '30' has no unit: write a duration such as 30ms or 30s",
    ],
    ['{"kind":"compute","input":1,"idempotencyKey":""}', "idempotencyKey: '' is empty"],
    [
      '{"kind":"compute","input":1,"prio":1}',
      "'prio' is no field of a task (kind, input, priority, timeout, attempts, delay, idempotencyKey, affinity, id, needs, onFailedNeed, traceparent)",
    ],
  ];
  for (const [line, problem] of cases) {
    writeFileSync(file, `${good}\n\n${line}\n${good}\n`);
    await t.rejects(
      openBatch(file, anything),
      { name: 'UsageError', message: `--batch: ${file}:3: ${problem}; nothing was submitted` },
      line,
    );
  }
  writeFileSync(file, Buffer.concat([Buffer.from(`${good}\n"`), Buffer.from([0xff]), Buffer.from('"\n')]));
  await t.rejects(openBatch(file, anything), {
    message: `--batch: ${file}:2: is not UTF-8 text; nothing was submitted`,
  });
});

t.test('the check of the kind counts as part of the line', async (t) => {
  const file = join(t.testdir({ b: '{"kind":"compute","input":1}\n{"kind":"nope","input":1}\n' }), 'b');
  const check = (error: Error) => ({
    check: ({ kind }: { kind: string }) => {
      if (kind === 'nope') throw error;
    },
  });
  await t.rejects(openBatch(file, check(new TaskInputError('series[3]', 'is NaN'))), {
    message: `--batch: ${file}:2: series[3]: is NaN; nothing was submitted`,
  });
  await t.rejects(openBatch(file, check(new BatchLineProblem('kind: unknown'))), {
    message: `--batch: ${file}:2: kind: unknown; nothing was submitted`,
  });
  await t.rejects(openBatch(file, check(new RangeError('a defect'))), { name: 'RangeError' });
});

t.test('empty, missing and changed files', async (t) => {
  const dir = t.testdir({ empty: '\n\n', tasks: '{"kind":"compute","input":1}\n' });
  const path = (name: string) => join(dir, name);
  await t.rejects(openBatch(path('empty'), anything), {
    message: `--batch: ${path('empty')}: holds no task; nothing was submitted`,
  });
  await t.rejects(openBatch(path('none'), anything), {
    message: `--batch: ${path('none')}: no such file or directory`,
  });
  await t.rejects(openBatch(dir, anything), { message: `--batch: ${dir}: is a directory, a file is wanted` });
  await t.rejects(openBatch('-', { ...anything, stdin: Readable.from([]) }), {
    message: '--batch: standard input: holds no task; nothing was submitted',
  });
  const batch = await openBatch(path('tasks'), anything);
  appendFileSync(path('tasks'), 'more\n');
  await t.rejects(entriesOf(batch), {
    message: `--batch: ${path('tasks')}: was changed while it was read; nothing was submitted`,
  });
  await batch.close();
});
