import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { readCsvPattern } from '../../../src/commands/input/csv.js';

t.test('the pattern is the last rows, the series all before them', async (t) => {
  const csv = 'date,close\n2020-01-01,1\n2020-01-02,2.5\n\n2020-01-03,-3e2\n2020-01-04, .5 \n';
  const file = join(t.testdir({ 'a.csv': csv }), 'a.csv');
  const expected = { series: [1, 2.5], current: [-300, 0.5] };
  t.same(await readCsvPattern(file, { column: 'close', window: 2 }), expected);
  const stdin = Readable.from([Buffer.from(`\ufeff${csv.replaceAll('\n', '\r\n')}`)]);
  t.same(await readCsvPattern('-', { column: 'close', window: 2, stdin }), expected, 'with BOM and CRLF');
});

t.test('wrong inputs are named', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'a.csv');
  const says = async (content: string, message: string, options = { column: 'close', window: 1 }) => {
    writeFileSync(file, content);
    await t.rejects(readCsvPattern(file, options), { name: 'UsageError', message }, message);
  };
  const text = 'date,close\na,1\nb,2\n';
  await says(text, `--column: ${file} has no column 'Close'; it has 'date', 'close'`, {
    column: 'Close',
    window: 1,
  });
  await says('close,close\n1,2\n1,2\n', `--column: ${file} has more than one column 'close'`);
  for (const window of [2, 3]) {
    await says(
      text,
      `--window: ${window} rows leave nothing to search: ${file} has 2 rows, and those before the last ${window} are the history`,
      { column: 'close', window },
    );
  }
  await says(`${text}c,NaN\n`, `--csv: ${file}:4: close: 'NaN' is not a number`);
  await says(`${text}c,\n`, `--csv: ${file}:4: close: is empty, a number is wanted`);
  for (const cell of ['Infinity', '0x10', '1_000', '1e999', '"1,000"']) {
    await says(
      `${text}\nc,${cell}\n`,
      `--csv: ${file}:5: close: '${cell.replaceAll('"', '')}' is not a number`,
    );
  }
  await says(
    `${text}c\n`,
    `--csv: ${file}: is not CSV at line 4: the row has more or fewer cells than the header`,
  );
  await says(`${text}"c,1\n`, `--csv: ${file}: is not CSV at line 4: a quote is not closed`);
  await says('', `--csv: ${file}: is empty, a header and rows are wanted`);
  await t.rejects(readCsvPattern(join(dir, 'none'), { column: 'a', window: 1 }), {
    message: `--csv: ${join(dir, 'none')}: no such file or directory`,
  });
});
