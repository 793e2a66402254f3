import fc from 'fast-check';
import t from 'tap';
import { LongLineError, splitLines } from '../../../src/commands/input/lines.js';

async function* pieces(text: string, cuts: readonly number[]) {
  const bytes = Buffer.from(text);
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    await Promise.resolve();
    yield bytes.subarray(start, cut);
    start = cut;
  }
}

async function collect(text: string, cuts: readonly number[] = [], max = 1000) {
  const lines: [number, string][] = [];
  for await (const { number, bytes } of splitLines(pieces(text, cuts), max)) {
    lines.push([number, Buffer.from(bytes).toString()]);
  }
  return lines;
}

t.test('any split of the bytes gives the same lines', async () => {
  const text = fc
    .array(fc.constantFrom('a', '\u00e4', '\n', '\r\n', '\u2028', '"'))
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat()), async (text, cuts) => {
      const expected = text.split('\n').map((line, index) => [index + 1, line.replace(/\r$/, '')]);
      if (text === '' || text.endsWith('\n')) expected.pop();
      return JSON.stringify(await collect(text, cuts)) === JSON.stringify(expected);
    }),
  );
});

t.test('a line over the limit is refused while it is read', async (t) => {
  t.same(await collect('abc\nabc', [], 3), [
    [1, 'abc'],
    [2, 'abc'],
  ]);
  await t.rejects(collect('abc\nabcd\n', [], 3), new LongLineError(2));
  await t.rejects(collect('abc\nabcd', [5, 6, 7], 3), new LongLineError(2));
});
