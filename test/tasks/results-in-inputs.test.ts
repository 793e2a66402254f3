import t from 'tap';
import { encodeValue } from '../../src/protocol/value.js';
import { insertResults } from '../../src/tasks/results-in-inputs.js';

const RESULT = { rows: ['x'.repeat(1000), 'y'.repeat(1000)] };
const resultOf = () => ({ value: RESULT, bytes: encodeValue(RESULT).byteLength });

t.test('what a small input makes of large results is bounded, parts of them included', (t) => {
  for (const [at, bytes] of [
    ['', resultOf().bytes],
    ['/rows/1', encodeValue(RESULT.rows[1]).byteLength],
  ] as const) {
    const named = { $result: 't1', at };
    const input = { all: Array.from({ length: 1000 }, () => named) };
    t.throws(() => insertResults(input, resultOf, 3 * bytes), { path: 'all[3]', message: /more than/ }, at);
    const made = insertResults({ all: [named, named, named] }, resultOf, 3 * bytes);
    t.ok(encodeValue(made).byteLength < 3 * bytes + 10);
  }
  t.end();
});
