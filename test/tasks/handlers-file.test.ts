import { join } from 'node:path';
import t from 'tap';
import { checkHandlers, HandlersFileError, loadHandlersFile } from '../../src/tasks/handlers-file.js';
import { loadHandler } from '../../src/tasks/registry.js';
import { testContext } from './context.js';

const noop = () => null;

void t.test('functions and kinds, named or under default', async (t) => {
  const directory = t.testdir({
    'named.mjs': `
      export const functions = { double: async (x) => 2 * x };
      export const kinds = {
        'count-words': (input) => input.split(' ').length,
        sum: { handler: (input) => input.reduce((a, b) => a + b, 0), parseInput: (input) => Array.from(input, Number) },
      };`,
    'default.mjs': 'export default { functions: { triple: (x) => 3 * x } };',
  });
  const named = await loadHandlersFile(join(directory, 'named.mjs'));
  t.same([...named.functions.keys()], ['double']);
  t.same([...named.kinds.keys()], ['count-words', 'sum']);
  const { context } = testContext();
  t.equal(await (await loadHandler('compute', named))({ function: 'double', input: 21 }, context), 42);
  t.equal(await (await loadHandler('count-words', named))('a b c', context), 3);
  t.equal(await (await loadHandler('sum', named))(['1', '2'], context), 3, 'parseInput comes first');

  const byDefault = await loadHandlersFile(join(directory, 'default.mjs'));
  t.equal(await (await loadHandler('compute', byDefault))({ function: 'triple', input: 2 }, context), 6);
});

void t.test('a judge and a distiller, alone or beside handlers', (t) => {
  t.match(checkHandlers('x.mjs', { judge: noop }), { judge: noop, distiller: undefined });
  const both = checkHandlers('x.mjs', { default: { judge: () => 1, distiller: noop }, judge: noop });
  t.match(both, { judge: noop, distiller: noop });
  t.equal(checkHandlers('x.mjs', { functions: { f: noop } }).judge, undefined);
  t.end();
});

void t.test('a handler of a built-in kind can be replaced; the input is checked as ever', async (t) => {
  const user = checkHandlers('x.mjs', { kinds: { 'pattern-match': (input: unknown) => input } });
  const handler = await loadHandler('pattern-match', user);
  const { context } = testContext();
  t.match(await handler({ current: [1], series: [1, 2] }, context), {
    current: Float64Array.of(1),
    metric: 'dtw',
  });
  t.throws(() => handler({ current: [] }, context), { name: 'TaskInputError' });
});

void t.test('a file that is missing or broken', async (t) => {
  const directory = t.testdir({
    'syntax.mjs': 'export const = 1',
    'throws.mjs': 'throw new Error("no database")',
  });
  await t.rejects(loadHandlersFile(join(directory, 'none.mjs')), {
    name: 'HandlersFileError',
    message: /none\.mjs': cannot be read; looked for \//,
  });
  await t.rejects(loadHandlersFile(join(directory, 'syntax.mjs')), {
    name: 'HandlersFileError',
    message: /cannot be imported as an ES module: SyntaxError/,
  });
  await t.rejects(loadHandlersFile(join(directory, 'throws.mjs')), {
    name: 'HandlersFileError',
    message: /cannot be imported as an ES module: Error: no database/,
  });
});

void t.test('exports that are no handlers', (t) => {
  const faults: [string, unknown, string][] = [
    ['nothing', {}, 'exports no handler; export `functions`'],
    ['other exports only', { run: noop }, 'exports no handler'],
    ['empty', { functions: {}, kinds: {} }, 'exports no handler'],
    [
      'functions is a function',
      { functions: noop },
      '`functions` must be an object of names and handlers; it is a function',
    ],
    ['kinds is a list', { kinds: [noop] }, '`kinds` must be an object of names and handlers; it is a list'],
    [
      'functions is null',
      { functions: null },
      '`functions` must be an object of names and handlers; it is null',
    ],
    ['a function that is none', { functions: { f: 3 } }, 'functions.f: must be a function; it is 3'],
    ['a bad function name', { functions: { 'a b': noop } }, "functions: 'a b' is not a name"],
    [
      'a built-in function',
      { functions: { echo: noop } },
      'functions.echo: is built in and cannot be replaced',
    ],
    ['a kind that is none', { kinds: { mine: 'x' } }, "kinds.mine: must be a function; it is 'x'"],
    [
      'a kind without a handler',
      { kinds: { mine: {} } },
      'kinds.mine.handler: must be a function; it is missing',
    ],
    [
      'a bad check',
      { kinds: { mine: { handler: noop, parseInput: 1 } } },
      'kinds.mine.parseInput: must be a function',
    ],
    ['a typo', { kinds: { mine: { handler: noop, parse: noop } } }, 'kinds.mine.parse: is not known'],
    ['a judge that is none', { judge: {} }, 'judge: must be a function; it is an object'],
    [
      'a distiller that is none, beside a function',
      { distiller: 'x', functions: { f: noop } },
      "distiller: must be a function; it is 'x'",
    ],
    ['a bad kind name', { kinds: { Mine: noop } }, "kinds: 'Mine' is not a kind"],
    ['a kind name too long', { kinds: { ['x'.repeat(65)]: noop } }, "kinds: 'xxx"],
    ['compute', { kinds: { compute: noop } }, 'kinds.compute: cannot be replaced; export `functions`'],
    [
      'a check of a built-in kind',
      { kinds: { 'pattern-match': { handler: noop, parseInput: noop } } },
      'kinds.pattern-match.parseInput: a built-in kind keeps its own check',
    ],
    [
      'too many kinds',
      { kinds: Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`kind-${i}`, noop])) },
      'has 49 kinds; at most 48 fit',
    ],
  ];
  for (const [name, module, message] of faults) {
    try {
      checkHandlers('handlers.mjs', module);
      t.fail(`${name}: accepted`);
    } catch (error) {
      const start = `'handlers.mjs': ${message}`;
      t.ok(
        error instanceof HandlersFileError && error.message.startsWith(start),
        `${name}: ${String(error)}`,
      );
    }
  }
  t.end();
});

void t.test('a named export wins over the same name under default', (t) => {
  const first = () => 1;
  const user = checkHandlers('x.mjs', {
    default: { functions: { f: noop, g: noop } },
    functions: { f: first },
  });
  t.equal(user.functions.get('f'), first);
  t.equal(user.functions.get('g'), noop);
  t.end();
});
