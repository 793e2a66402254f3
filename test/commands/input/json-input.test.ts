import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { readJsonInput } from '../../../src/commands/input/json-input.js';

t.test('reads files and standard input', async (t) => {
  const dir = t.testdir({ 'a.json': '{"series": [1, 2.5, -3e2]}', 'bom.json': '\ufeff[1]' });
  t.same(await readJsonInput(join(dir, 'a.json')), { series: [1, 2.5, -300] });
  t.same(await readJsonInput(join(dir, 'bom.json')), [1]);
  const stdin = Readable.from([
    Buffer.from('{"a":'),
    Buffer.from(' "\u00e4"}').subarray(0, 4),
    Buffer.from(' "\u00e4"}').subarray(4),
  ]);
  t.same(await readJsonInput('-', stdin), { a: '\u00e4' }, 'a character split over two chunks');
});

t.test('names what is wrong and where', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'in.json');
  const says = async (content: string | Buffer, message: string) => {
    writeFileSync(file, content);
    await t.rejects(
      readJsonInput(file),
      { name: 'UsageError', message: `--input: ${file}${message}` },
      message,
    );
  };
  await says('{"series": [1,\n NaN]}', ':2:2: is not JSON: NaN is not a number of JSON');
  await says('{"a": 1', ":1:8: is not JSON: the text ends where ',' or '}' should follow");
  await says('', ': is empty, JSON is wanted');
  await says(' \n', ': is empty, JSON is wanted');
  await says(Buffer.from([0x22, 0xff, 0x22]), ': is not UTF-8 text');
  await t.rejects(readJsonInput(join(dir, 'none')), {
    message: `--input: ${join(dir, 'none')}: no such file or directory`,
  });
  await t.rejects(readJsonInput(dir), { message: `--input: ${dir}: is a directory, a file is wanted` });
  await t.rejects(readJsonInput('-', Readable.from([Buffer.from('nope')])), {
    message: "--input: standard input:1:1: is not JSON: 'nope' is no value",
  });
});
