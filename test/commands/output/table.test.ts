import fc from 'fast-check';
import t from 'tap';
import { displayWidth, fit } from '../../../src/commands/output/display-width.js';
import { TASK_COLUMNS, taskRow } from '../../../src/commands/tasks-command.js';
import type { TaskSummary } from '../../../src/protocol/messages.js';
import { formatTable, tableWidth } from '../../../src/commands/output/table.js';

const columns = [
  { title: 'ID' },
  { title: 'TASKS', align: 'right' as const },
  { title: 'ERROR', shrink: true },
];

t.test('aligns columns and leaves no blanks at the end', async (t) => {
  const rows = [
    ['agent-1', '7', ''],
    ['a', '12345', 'gone'],
  ];
  t.equal(
    formatTable(columns, rows, null),
    ['ID       TASKS  ERROR', 'agent-1      7', 'a        12345  gone', ''].join('\n'),
  );
  t.equal(formatTable(columns, [['a']], null), 'ID  TASKS  ERROR\na\n', 'missing cells are empty');
});

t.test('cuts the column that may shrink first', async (t) => {
  const rows = [['agent-with-a-name', '1', 'a long explanation of what went wrong']];
  t.equal(
    formatTable(columns, rows, 40),
    ['ID                 TASKS  ERROR', 'agent-with-a-name      1  a long explan…', ''].join('\n'),
  );
});

t.test('a narrow terminal leaves out what is expendable rather than cut an id', async (t) => {
  const task: TaskSummary = {
    taskId: '01890a5d-ac96-774b-bcce-b302099a8057',
    kind: 'feature-engineering',
    state: 'completed',
    priority: 5,
    agentId: 'an-agent-with-a-name',
    attempts: 1,
    maxAttempts: 3,
    submittedAt: 0,
    queuedMs: 12,
    runMs: 3_456,
    error: null,
    progress: null,
  };
  const table = (width: number | null) =>
    formatTable(TASK_COLUMNS, [taskRow(task, 5_000)], width).split('\n');
  const whole = table(null)[0]?.trim().split(/ {2,}/);
  t.equal(whole?.length, TASK_COLUMNS.length);
  t.same(table(80), [
    'TASK                                  KIND          STATE      TRIES  AGE  ERROR',
    '01890a5d-ac96-774b-bcce-b302099a8057  feature-eng…  completed    1/3   5s  -',
    '',
  ]);
  t.match(table(100)[0], /AGENT.*WAITS FOR/);
});

t.test('lines never are wider than the terminal', async () => {
  const cell = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 16, max: 120 }), (rows, width) =>
      formatTable(columns, rows, width)
        .split('\n')
        .every((line) => displayWidth(line) <= width),
    ),
  );
});

t.test('cells of other machines cannot write to the terminal', async (t) => {
  const table = formatTable([{ title: 'A' }], [['x\u001b[2J\r\ny\u0007\u009b']], null);
  t.notMatch(table.replaceAll('\n', ''), /\p{Cc}/u);
  t.equal(table.split('\n').length, 3, 'one line a row');
});

t.test('wide and combining characters', async (t) => {
  t.equal(displayWidth('\u6f22\u5b57'), 4);
  t.equal(displayWidth('e\u0301'), 1);
  t.equal(displayWidth('\u{1f600}'), 2);
  t.equal(fit('\u6f22\u5b57\u6f22', 5), '\u6f22\u5b57…');
  t.equal(fit('abc', 3), 'abc');
  t.equal(fit('abcd', 3), 'ab…');
});

t.test('only a terminal has a width', async (t) => {
  t.equal(tableWidth({ isTTY: true, columns: 80 }), 80);
  t.equal(tableWidth({ columns: 80 }), null);
  t.equal(tableWidth({ isTTY: true, columns: 0 }), null);
});
