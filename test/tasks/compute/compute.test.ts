import t from 'tap';
import { computeWith } from '../../../src/tasks/compute/handler.js';
import { computeKind } from '../../../src/tasks/compute/kind.js';
import { errorDetailOf } from '../../../src/tasks/failure.js';
import type { ComputeFunction } from '../../../src/tasks/handlers-file.js';
import { testContext } from '../context.js';

const run = async (input: unknown, functions?: Parameters<typeof computeWith>[0]) => {
  const { context } = testContext();
  return computeWith(functions)(input, context);
};

void t.test('echo returns its input', async (t) => {
  const input = { a: [1, null, 'x'] };
  t.equal(await run({ function: 'echo', input }), input);
  t.equal(await run({ function: 'echo' }), null, 'nothing is null');
  t.equal(await run({ function: 'echo', input: 0 }), 0);
  t.equal(await run({ function: 'echo', input: false }), false);
});

void t.test('sleep waits', async (t) => {
  t.same(await run({ function: 'sleep', input: { ms: 2 } }), { sleptMs: 2 });
  t.same(await run({ function: 'sleep', input: 0 }), { sleptMs: 0 });
});

void t.test('sleep ends with the reason of the abort', async (t) => {
  const { context, controller } = testContext();
  const sleeping = computeWith()({ function: 'sleep', input: 1_000_000 }, context);
  controller.abort(new Error('no longer wanted'));
  await t.rejects(Promise.resolve(sleeping), { message: 'no longer wanted' });
  const again = computeWith()({ function: 'sleep', input: 1_000_000 }, context);
  await t.rejects(Promise.resolve(again), { message: 'no longer wanted' }, 'aborted before it started');
});

void t.test('own functions get the input and the context', async (t) => {
  const { context } = testContext();
  const functions = new Map<string, ComputeFunction>([
    ['pair', (input: unknown, given: unknown) => Promise.resolve([input, given])],
    ['nothing', () => undefined],
  ]);
  const result = await computeWith(functions)({ function: 'pair', input: 7 }, context);
  t.ok(Array.isArray(result) && result[0] === 7 && result[1] === context);
  t.equal(await run({ function: 'nothing' }, functions), null);
});

void t.test('an unknown function fails for good, and says which are known', async (t) => {
  const functions = new Map([['double', (x: unknown) => x]]);
  const error = await Promise.resolve(run({ function: 'triple', input: 1 }, functions)).catch(
    (error: unknown) => error,
  );
  t.match(errorDetailOf(error), {
    name: 'UnknownFunction',
    message: "compute: this agent has no function 'triple'; it has echo, sleep, double.",
    retryable: false,
  });
});

void t.test('names of the object prototype are no functions', async (t) => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    await t.rejects(Promise.resolve(run({ function: name })), { name: 'UnknownFunction' }, name);
  }
});

void t.test('the kind: wire form and placement', (t) => {
  t.same(computeKind.parseInput({ function: 'echo' }), { function: 'echo', input: null });
  t.same(computeKind.parseInput({ function: 'sleep', input: 5 }), { function: 'sleep', input: { ms: 5 } });
  const parsed = computeKind.parseInput({ function: 'sleep', input: { ms: 5 } });
  t.same(computeKind.parseInput(parsed), parsed, 'idempotent');
  t.equal(computeKind.placement({ function: 'echo', input: 1 }), 'inline');
  t.equal(computeKind.placement({ function: 'sleep', input: { ms: 1 } }), 'inline');
  t.equal(computeKind.placement({ function: 'mine', input: 1 }), 'worker');
  t.end();
});

void t.test('the kind names each fault', (t) => {
  const faults: [unknown, string][] = [
    [null, 'input: must be an object with function, input; it is null'],
    [{}, 'function: must be the name of a function'],
    [{ function: '' }, 'function: must be the name of a function'],
    [{ function: 'a b' }, 'function: must be the name of a function'],
    [{ function: 'x'.repeat(129) }, 'function: must be the name of a function'],
    [{ function: 3 }, 'function: must be the name of a function'],
    [{ function: 'echo', inputs: 1 }, 'inputs: is not a known field; known are function, input'],
    [{ function: 'sleep' }, 'input: must be an object with ms; it is null'],
    [{ function: 'sleep', input: '5' }, "input: must be an object with ms; it is '5'"],
    [{ function: 'sleep', input: -1 }, 'input: must be a number from 0 to 2147483647; it is -1'],
    [{ function: 'sleep', input: NaN }, 'input: must be a number from 0 to 2147483647; it is NaN'],
    [{ function: 'sleep', input: { ms: 2 ** 31 } }, 'input.ms: must be a number from 0 to 2147483647'],
    [{ function: 'sleep', input: { ms: 1, s: 2 } }, 'input.s: is not a known field; known are ms'],
  ];
  for (const [input, message] of faults) {
    t.throws(() => computeKind.parseInput(input), {
      name: 'TaskInputError',
      message: new RegExp(`^${escape(message)}`),
    });
  }
  t.end();
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
