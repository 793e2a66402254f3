import { CommanderError } from 'commander';
import t from 'tap';
import {
  EXIT,
  InterruptedError,
  RefusedError,
  runCommand,
  UnreachableError,
  UsageError,
} from '../../src/commands/exit.js';
import { TaskInputError } from '../../src/tasks/kind.js';

async function run(main: () => Promise<unknown>, debug = false) {
  const lines: string[] = [];
  const status = await runCommand(main, { write: (line) => lines.push(line), debug });
  return { status, text: lines.join('') };
}

t.test('a command that ends well', async (t) => {
  t.same(await run(() => Promise.resolve()), { status: 0, text: '' });
  t.same(await run(() => Promise.resolve(EXIT.failed)), { status: 1, text: '' });
  t.same(await run(() => Promise.resolve({ some: 'thing' })), { status: 0, text: '' });
});

t.test('each error is one line and has its status', async (t) => {
  const cases: [Error, number, string][] = [
    [new UsageError('--listen: bad'), 2, 'error: --listen: bad\n'],
    [new UnreachableError('127.0.0.1:5000: no answer'), 3, 'error: 127.0.0.1:5000: no answer\n'],
    [new RefusedError('wrong token'), 4, 'error: wrong token\n'],
    [new InterruptedError(), 130, 'error: interrupted\n'],
    [new TaskInputError('series[3]', 'is NaN'), 2, 'error: series[3]: is NaN\n'],
    [new UsageError('a\nb\u001b[2J\u2028c'), 2, 'error: a b [2J c\n'],
    [
      new TypeError('x is not\na function'),
      1,
      'error: unexpected: TypeError: x is not a function (--log-level debug shows where)\n',
    ],
  ];
  for (const [error, status, text] of cases)
    t.same(await run(() => Promise.reject(error)), { status, text }, text);
});

t.test('what commander throws', async (t) => {
  const thrown = (exitCode: number, code: string, message: string) =>
    run(() => Promise.reject(new CommanderError(exitCode, code, message)));
  t.same(await thrown(0, 'commander.helpDisplayed', '(outputHelp)'), { status: 0, text: '' });
  t.same(await thrown(1, 'commander.unknownOption', "error: unknown option '--x'\n(Did you mean --y?)"), {
    status: 2,
    text: "error: unknown option '--x' (Did you mean --y?)\n",
  });
});

t.test('a stack only in debug', async (t) => {
  const quiet = await run(() => Promise.reject(new UsageError('bad')));
  t.notMatch(quiet.text, /at /);
  const loud = await run(() => Promise.reject(new UsageError('bad')), true);
  t.match(loud.text, /^error: bad\nUsageError: bad\n +at /);
});
