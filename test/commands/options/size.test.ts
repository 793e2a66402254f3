import fc from 'fast-check';
import t from 'tap';
import { ValueProblem } from '../../../src/commands/options/parser.js';
import { formatSize, size } from '../../../src/commands/options/size.js';

t.test('reads bytes, powers of 1024 and powers of 1000', async (t) => {
  const expected: [string, number][] = [
    ['65536', 65_536],
    ['0', 0],
    ['12B', 12],
    ['64KiB', 65_536],
    ['16MiB', 16_777_216],
    ['1.5GiB', 1_610_612_736],
    ['64kB', 64_000],
    ['64KB', 64_000],
    ['64MB', 64_000_000],
    ['1GB', 1_000_000_000],
    ['1.1kB', 1_100],
  ];
  for (const [text, bytes] of expected) t.equal(size()(text), bytes, text);
});

t.test('refuses what is no size', async (t) => {
  for (const text of ['', '64Mb', '64kib', '64 KiB', '-1', '1e6', 'KiB', '64K', 'toString', '1constructor']) {
    t.throws(
      () => size()(text),
      new ValueProblem('is not a size (bytes, or such as 64KiB, 16MiB, 1GiB, 64MB)'),
      text,
    );
  }
  t.throws(() => size()('0.3B'), new ValueProblem('is not a whole number of bytes'));
});

t.test('keeps the range, both ends included', async (t) => {
  const parse = size({ min: 1024, max: 1024 ** 2 });
  t.equal(parse('1KiB'), 1024);
  t.equal(parse('1MiB'), 1024 ** 2);
  t.throws(() => parse('1023'), new ValueProblem('is out of range (1KiB to 1MiB)'));
  t.throws(() => parse('1048577'), new ValueProblem('is out of range (1KiB to 1MiB)'));
});

t.test('reads back what formatSize writes', async () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => size()(formatSize(bytes)) === bytes));
});
