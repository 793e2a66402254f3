import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { AGENT_TYPES } from '../../src/protocol/messages.js';
import { kindsOfAgent, loadHandler, taskKinds } from '../../src/tasks/registry.js';
import { testContext } from './context.js';

void t.test('each kind stands under its own name', (t) => {
  t.same(
    [...taskKinds.keys()],
    ['pattern-match', 'feature-engineering', 'strategy-correlation', 'neural-training', 'compute'],
  );
  for (const [name, kind] of taskKinds) t.equal(kind.name, name);
  t.end();
});

void t.test('a worker takes all kinds, the others their own and compute', (t) => {
  t.same(kindsOfAgent('worker'), [...taskKinds.keys()]);
  t.same(kindsOfAgent('pattern'), ['pattern-match', 'compute']);
  t.same(kindsOfAgent('feature'), ['feature-engineering', 'compute']);
  t.same(kindsOfAgent('strategy'), ['strategy-correlation', 'compute']);
  t.same(kindsOfAgent('neural'), ['neural-training', 'compute']);
  t.same(kindsOfAgent('reasoning'), ['compute']);
  for (const type of AGENT_TYPES) t.ok(kindsOfAgent(type).includes('compute'), type);
  t.end();
});

void t.test('loads handlers by kind', async (t) => {
  const { context } = testContext();
  t.match(await (await loadHandler('pattern-match'))({ current: [1], series: [1, 2] }, context), {
    matches: [{ offset: 0, distance: 0 }, { offset: 1 }],
  });
  t.equal(await (await loadHandler('compute'))({ function: 'echo', input: 'x' }, context), 'x');
  await t.rejects(loadHandler('fly'), {
    name: 'RangeError',
    message:
      "no handler for kind 'fly'; known kinds are pattern-match, feature-engineering, strategy-correlation, neural-training, compute",
  });
});

void t.test('knowing the kinds loads no handler and no kernel', (t) => {
  const registry = fileURLToPath(new URL('../../src/tasks/registry.js', import.meta.url));
  const loaded = [...staticImports(registry)].map((file) => file.slice(dirname(registry).length + 1));
  t.ok(loaded.includes('pattern-match/kind.js') && loaded.includes('compute/kind.js'), loaded.join(' '));
  t.notOk(
    loaded.some((file) => /handler|match\.js|dtw|lcs|search|metrics/.test(file)),
    loaded.join(' '),
  );
  t.end();
});

/** A module and what it imports before it runs; an `import()` in it is not followed. */
function staticImports(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || !existsSync(file)) return found;
  found.add(file);
  for (const [, path] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\b[^;]*?from '(\.[^']+)'/gm,
  )) {
    if (path !== undefined) staticImports(resolve(dirname(file), path), found);
  }
  return found;
}
