import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PACKAGE_ROOT } from '../../scripts/lib/daemons.js';
import { loadHandlersFile } from '../../src/tasks/handlers-file.js';
import type { TaskHandler } from '../../src/tasks/kind.js';
import { loadHandler } from '../../src/tasks/registry.js';
import { testContext } from '../tasks/context.js';

const risk = await loadHandlersFile(join(PACKAGE_ROOT, '.build/examples/handlers/risk.mjs'));
const prices = await loadHandlersFile(join(PACKAGE_ROOT, 'examples/handlers/prices.mjs'));

const returns = [0.01, -0.02, 0.005, 0.003, -0.015];

t.test('TypeScript: a function and a kind that compute', async (t) => {
  const compute = await loadHandler('compute', risk);
  const { context, fractions } = testContext();
  const result = await compute({ function: 'value-at-risk', input: { returns } }, context);
  t.match(result, { valueAtRisk: Number, expectedShortfall: Number, paths: 10_000 });
  const { valueAtRisk, expectedShortfall } = result as Record<string, number>;
  t.ok(
    (valueAtRisk ?? 0) > 0.05 && (valueAtRisk ?? 1) < 0.1,
    `${valueAtRisk}: between 2 and 5 of the worst days`,
  );
  t.ok((expectedShortfall ?? 0) > (valueAtRisk ?? 1));
  t.same(fractions, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);

  const kind = await loadHandler('portfolio-risk', risk);
  t.same(
    await kind({ returns: Float64Array.from(returns) }, context),
    result,
    'the same draws, from the same seed',
  );
  await refused(t, kind, { returns: [0.1, NaN] }, /^returns\[1\]: /);
  await refused(t, kind, { returns, horizon: 0 }, /^horizon: /);
  await refused(t, kind, null, /^input: /);
  await endsWhenAborted(t, kind, { returns });
});

t.test('JavaScript: a function that waits for a server, and a kind', async (t) => {
  const csv = 'date,close\n2024-01-02,10\n2024-01-03,11.5\n';
  const server = createServer((request, response) => {
    if (request.url === '/prices.csv') response.setHeader('content-length', csv.length).end(csv);
    else if (request.url === '/missing.csv') response.writeHead(404).end();
    // Any other is never answered.
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const fetchPrices = (path: string, column = 'close') => ({
    function: 'fetch-prices',
    input: { url: `http://127.0.0.1:${address.port}${path}`, column },
  });

  const compute = await loadHandler('compute', prices);
  const { context, fractions } = testContext();
  t.same(await compute(fetchPrices('/prices.csv'), context), {
    column: 'close',
    values: Float64Array.of(10, 11.5),
  });
  t.same(fractions, [1]);
  await refused(t, compute, fetchPrices('/prices.csv', 'open'), /^column: /);
  await refused(t, compute, { function: 'fetch-prices', input: null }, /^url: /);
  await t.rejects(async () => compute(fetchPrices('/missing.csv'), context), { message: /404 Not Found/ });
  const waiting = testContext();
  const asked = once(server, 'request');
  const unwanted = Promise.resolve(compute(fetchPrices('/silent.csv'), waiting.context));
  await asked;
  waiting.controller.abort(new Error('no longer wanted'));
  await t.rejects(unwanted, { message: 'no longer wanted' });

  const kind = await loadHandler('csv-column', prices);
  t.same(await kind({ csv }, context), Float64Array.of(10, 11.5));
  await refused(t, kind, { csv: 'close\nx' }, /^csv: row 1: 'x'/);
  await refused(t, kind, {}, /^csv: must be text/);
});

async function refused(t: Test, handler: TaskHandler, input: unknown, message: RegExp): Promise<void> {
  await t.rejects(async () => handler(input, testContext().context), {
    name: 'BadInput',
    message,
    retryable: false,
  });
}

async function endsWhenAborted(t: Test, handler: TaskHandler, input: unknown): Promise<void> {
  const { context, controller } = testContext();
  controller.abort(new Error('no longer wanted'));
  await t.rejects(async () => handler(input, context), { message: 'no longer wanted' });
}
