import fc from 'fast-check';
import t from 'tap';
import { findJsonFault } from '../../../src/commands/input/json-fault.js';

t.test('agrees with JSON.parse on what is JSON', async () => {
  const valid = fc.json();
  // Valid JSON with a few characters changed: nearly JSON, the hard cases.
  const nearly = fc
    .tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom(...Array.from('{}[],:"\\0-.e+ \n\tnN1\u0000u'), ''),
    )
    .map(
      ([text, at, put]) =>
        text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1),
    );
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(
      fc.oneof(valid, nearly, fc.string()),
      (text) => (findJsonFault(text) === null) === isJson(text),
    ),
    { numRuns: 3000 },
  );
});

t.test('names line, column and problem', async (t) => {
  const cases: [string, number, number, string][] = [
    ['{"a": NaN}', 1, 7, 'NaN is not a number of JSON'],
    ['[1,\n -Infinity]', 2, 2, '-Infinity is not a number of JSON'],
    ['{\n  "a": [1, 2,]\n}', 2, 14, 'a value is missing'],
    ['{a: 1}', 1, 2, 'a name in double quotes is wanted'],
    ["{'a': 1}", 1, 2, 'a name in double quotes is wanted'],
    ['{"a" 1}', 1, 6, "':' is missing"],
    ['[1 2]', 1, 4, "',' or ']' is missing"],
    ['[1', 1, 3, "the text ends where ',' or ']' should follow"],
    ['', 1, 1, 'the text ends where a value should follow'],
    ['{"a": 1} x', 1, 10, 'more text after the value'],
    ['"abc', 1, 1, 'the text that begins here has no end'],
    ['"a\tb"', 1, 3, 'a control character in a text'],
    ['"\\x"', 1, 2, 'an unknown escape'],
    ['undefined', 1, 1, "'undefined' is no value"],
    ['01', 1, 2, 'is not written as a number'],
  ];
  for (const [text, line, column, problem] of cases)
    t.same(findJsonFault(text), { line, column, problem }, text);
});

t.test('deep nesting does not overflow the stack', async (t) => {
  t.match(findJsonFault('['.repeat(1_000_000)), { column: 1_000_001 });
  t.equal(findJsonFault('['.repeat(100_000) + ']'.repeat(100_000)), null);
});
